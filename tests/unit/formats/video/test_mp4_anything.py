"""The MP4 reader with any bytes: it returns a video that is safe to hand on, or refuses them."""

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.video import mp4
from app.formats.video.header_cache import MovieHeaderCache
from tests.support.builders.clips import clip
from tests.support.builders.mp4_boxes import box, fragmented_file, mp4_file
from tests.support.examples import SETTINGS
from tests.support.recorded import contents


def read_or_refuse(data: bytes) -> None:
    """Read a file; whatever comes out must be safe to hand to a viewer."""
    try:
        video = mp4.read_video(data)
    except (MalformedInput, OversizedInput):
        return
    assert video.samples
    assert sum(sample.size_bytes for sample in video.samples) <= len(data)
    for sample in video.samples:
        assert sample.offset >= 0
        assert sample.size_bytes > 0
        assert sample.offset + sample.size_bytes <= len(data)
        assert sample.duration >= 0
    if video.is_playable:
        assert video.samples[0].is_key
        assert 0 < video.duration_ms <= LIMITS.video_ms
        assert max(video.width, video.height) <= LIMITS.video_px
        assert video.codec.startswith("avc")


@SETTINGS
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data):
    """A reader returns a value or refuses the bytes."""
    read_or_refuse(data)
    read_or_refuse(box("moov", data))


WHOLE = [mp4_file(), fragmented_file(), clip(), clip(fragmented=True, frames=7), clip(b_frames=2)]
mutations = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=6,
)


def placed(data: bytes, where: float) -> int:
    """Turn a share into a byte; half of them fall into the boxes, where it hurts."""
    moov = data.index(b"moov")
    length = int.from_bytes(data[moov - 4 : moov], "big")
    return moov + int(length * where * 2) if where < 0.5 else int(len(data) * (where * 2 - 1))


def mutated(data: bytes, changes: Sequence[tuple[float, bytes]]) -> bytes:
    """Overwrite bytes here and there."""
    changed = bytearray(data)
    for where, patch in changes:
        at = placed(data, where)
        changed[at : at + len(patch)] = patch
    return bytes(changed)


@SETTINGS
@given(st.sampled_from(WHOLE), mutations, st.floats(0, 1))
def test_a_changed_file_is_read_or_refused(data, changes, cut):
    """Bytes may be overwritten anywhere, and the end may be cut off."""
    changed = mutated(data, changes)
    read_or_refuse(changed[: int(len(changed) * min(1, cut * 4))])


@SETTINGS
@given(st.data())
def test_a_changed_segment_is_read_or_refused(data):
    """The same holds for videos that phones sent."""
    segments = [contents.video_of(r) for r in contents.requests("android-rotation-a")]
    original = data.draw(st.sampled_from([video for video in segments if video]))
    read_or_refuse(mutated(original, data.draw(mutations)))


def read_after(cached: bytes | None, data: bytes) -> mp4.Video | str:
    """Read a file when the header of another one is cached, or none; return the refusal's text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mp4, "_header_cache", MovieHeaderCache())
        try:
            if cached is not None:
                mp4.read_video(cached)
            return mp4.read_video(data)
        except (MalformedInput, OversizedInput) as refused:
            return str(refused)


@SETTINGS
@given(st.sampled_from(WHOLE), mutations, st.floats(0, 1))
def test_a_cached_header_changes_nothing_about_another_file(data, changes, cut):
    """Whatever bytes differ, the video or the refusal is that of a first reading."""
    changed = mutated(data, changes)
    for some in (changed, changed[: int(len(changed) * cut)]):
        assert read_after(data, some) == read_after(None, some)


@pytest.mark.parametrize("data", [mp4_file(), clip(), clip(b_frames=2)])
def test_the_header_of_a_second_file_comes_from_the_cache(data, monkeypatch):
    """Only the duration of a frame and the day differ in a second file of the same phone."""
    monkeypatch.setattr(mp4, "_header_cache", MovieHeaderCache())
    first = mp4.read_video(data)
    monkeypatch.setattr(mp4, "_read_movie_header", None)
    other = bytearray(data)
    lasts = data.index(b"stts") + 16
    other[lasts : lasts + 4] = (7).to_bytes(4, "big")
    made = data.index(b"mvhd") + 8
    other[made : made + 4] = b"\1\2\3\4"
    second = mp4.read_video(bytes(other))
    assert second.samples != first.samples
    assert second.codec == first.codec


def test_a_header_with_a_box_without_a_size_is_not_cached():
    """A box that goes on to the end of the file is legal at that end only."""
    file = clip()
    moov = file.rindex(b"moov") - 4
    size = len(file) - moov
    header = (size + 8).to_bytes(4, "big") + file[moov + 4 :] + bytes(4) + b"free"
    at_end = file[:moov] + header
    assert mp4.read_video(at_end).is_playable
    elsewhere = at_end + box("free")
    assert "is not the last of the file" in str(read_after(None, elsewhere))
    assert read_after(at_end, elsewhere) == read_after(None, elsewhere)
