"""Tests of encoding pictures as the MP4 that a phone's recorder writes."""

import io

import av
import pytest
from av.container import InputContainer
from PIL import Image

from app.formats.video import mp4
from app.media import encode

COLOURS = ((200, 40, 40), (40, 180, 60), (40, 60, 200), (220, 200, 60), (90, 90, 90))


def _solid(colour: tuple[int, int, int], size: tuple[int, int] = (64, 96)) -> Image.Image:
    return Image.new("RGB", size, colour)


def _decoded(data: bytes) -> list[tuple[float, Image.Image]]:
    with av.open(io.BytesIO(data)) as container:
        assert isinstance(container, InputContainer)
        return [(float(f.time or 0), f.to_image()) for f in container.decode(video=0)]  # type: ignore[no-untyped-call]  # PyAV


def test_every_frame_comes_back_at_its_second():
    """A decoder finds the pictures in order, one a second, with their colours."""
    video = encode.encode_video([_solid(colour) for colour in COLOURS])
    decoded = _decoded(video.data)
    assert [at_s for at_s, _ in decoded] == [0, 1, 2, 3, 4]
    for (_, picture), colour in zip(decoded, COLOURS, strict=True):
        pixel = picture.getpixel((32, 48))
        assert isinstance(pixel, tuple)
        assert all(abs(a - b) < 12 for a, b in zip(pixel, colour, strict=True))


def test_the_encoder_tells_size_frames_and_length():
    """Size, frames and length that the encoder tells are what the box reader finds."""
    video = encode.encode_video([_solid(colour, (48, 32)) for colour in COLOURS[:3]])
    read = mp4.read_video(video.data)
    assert (read.width, read.height) == (video.width, video.height) == (48, 32)
    assert len(read.samples) == video.frames == 3
    assert read.duration_ms == video.duration_ms == 3_000
    assert read.is_playable


def test_a_single_frame_lasts_a_second():
    """The duration includes the time of the last frame."""
    assert mp4.read_video(encode.encode_video([_solid(COLOURS[0])]).data).duration_ms == 1_000


def test_a_key_frame_comes_every_six_frames():
    """Seeking never has to decode more than six frames."""
    video = encode.encode_video([_solid(COLOURS[at % 5]) for at in range(13)])
    keys = [at for at, sample in enumerate(mp4.read_video(video.data).samples) if sample.is_key]
    assert keys == [0, 6, 12]


def test_a_held_frame_costs_next_to_nothing():
    """The same picture again is a few bytes."""
    steps = Image.linear_gradient("L").resize((64, 96)).convert("RGB")
    key, *held = mp4.read_video(encode.encode_video([steps, steps, steps]).data).samples
    assert all(sample.size_bytes * 5 < key.size_bytes for sample in held)


def test_the_index_is_at_the_end():
    """The pictures come first, then `moov`, as MediaMuxer writes them."""
    data = encode.encode_video([_solid(COLOURS[0])]).data
    assert data.index(b"mdat") < data.index(b"moov")


def test_the_same_pictures_give_the_same_bytes():
    """Encoding depends on nothing but the pictures."""
    frames = [_solid(colour) for colour in COLOURS]
    assert encode.encode_video(frames).data == encode.encode_video(frames).data


@pytest.mark.parametrize(
    "frames",
    [[], [_solid(COLOURS[0]), _solid(COLOURS[0], (96, 64))], [_solid(COLOURS[0], (60, 96))]],
    ids=["none", "two sizes", "odd size"],
)
def test_frames_that_no_phone_would_send_are_refused(frames: list[Image.Image]):
    """Nothing is scaled or padded in silence."""
    with pytest.raises(ValueError, match=r"frames of one size|multiples of 16"):
        encode.encode_video(frames)
