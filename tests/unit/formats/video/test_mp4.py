"""The MP4 reader: what it finds in whole files, and what it marks as not playable."""

import pytest

from app.core.limits import LIMITS
from app.formats.video import mp4
from tests.support.builders.mp4_boxes import (
    DELTA,
    FRAMES,
    KEY,
    avcc,
    box,
    edits,
    entry,
    fragmented_file,
    full,
    matrix,
    mp4_file,
    runs,
    stsd,
    timed,
    tkhd,
    u32,
    u64,
)


def times(video: mp4.Video) -> list[int]:
    """Return when each sample is shown."""
    return [sample.at for sample in video.samples]


def durations(video: mp4.Video) -> list[int]:
    """Return how long each sample is shown."""
    return [sample.duration for sample in video.samples]


def test_a_plain_file_is_read():
    """Everything that playback needs is read."""
    data = mp4_file()
    video = mp4.read_video(data)
    assert (video.codec, video.config) == ("avc1.42C01F", avcc())
    assert (video.width, video.height, video.timescale) == (448, 960, 1_000)
    assert video.is_playable
    assert video.fault is None
    assert video.duration_ms == 5_000
    assert times(video) == [0, 1_000, 2_000, 3_000, 4_000]
    assert durations(video) == [1_000] * 5
    assert [sample.is_key for sample in video.samples] == [True] + [False] * 4
    held = [data[s.offset : s.offset + s.size_bytes] for s in video.samples]
    assert held == list(FRAMES)


@pytest.mark.parametrize(
    "data",
    [
        mp4_file(moov_first=True),
        mp4_file(tail=box("free", bytes(100))),
        mp4_file(tkhd=tkhd(version=1), mdhd=timed(version=1)),
        mp4_file(stco=None, co64=full(0, u32(1), u64(32))),
        mp4_file(elst=None),
        mp4_file(elst=edits((5_000, 0, 1), version=1)),
        mp4_file(stsc=runs((1, 2, 1), (2, 3, 1)), stco=runs((32,), (32 + len(KEY + DELTA),))),
        mp4_file(before_trak=box("trak", box("mdia", box("hdlr", full(0, u32(0), b"soun"))))),
        fragmented_file(),
    ],
    ids=[
        "moov first", "tail", "version 1", "co64", "no edits", "long edits", "chunks", "sound",
        "fragments",
    ],
)  # fmt: skip
def test_the_same_video_is_read_from_every_form(data):
    """The places and versions of the boxes do not matter."""
    plain, video = mp4.read_video(mp4_file()), mp4.read_video(data)
    assert video.fault is None
    assert [s[:3] + s[4:] for s in video.samples] == [s[:3] + s[4:] for s in plain.samples]
    held = [data[s.offset : s.offset + s.size_bytes] for s in video.samples]
    assert held == list(FRAMES)


def test_a_view_reads_as_bytes_do():
    """The video is a part of a larger payload."""
    data = b"xxx" + mp4_file() + b"yyy"
    assert mp4.read_video(memoryview(data)[3:-3]) == mp4.read_video(mp4_file())


def test_without_a_sync_table_every_frame_is_a_key():
    """The bytes of the frames must be keyframes as well."""
    assert [s.is_key for s in mp4.read_video(mp4_file(stss=None, frames=(KEY, KEY))).samples] == [
        True
    ] * 2
    assert [s.is_key for s in mp4.read_video(mp4_file(stss=None)).samples] == [True] + [False] * 4


def test_frames_of_one_size_need_no_size_table():
    """The common size is that of every frame."""
    frames = (KEY, KEY, KEY)
    video = mp4.read_video(mp4_file(frames=frames, stsz=full(0, u32(len(KEY), 3))))
    assert [s.size_bytes for s in video.samples] == [len(KEY)] * 3


def test_avc3_is_h264_too():
    """Video marked avc3 is read by the parameter sets in its header, like avc1."""
    video = mp4.read_video(mp4_file(stsd=stsd(entry("avc3"))))
    assert (video.codec, video.fault) == ("avc3.42C01F", None)


# Times


def test_frames_are_shown_in_another_order_than_decoded():
    """A frame lasts until the next one by presentation time, also with B-frames."""
    shifts = runs((1, 2_000), (1, 5_000), (1, 2_000), (1, 0), (1, 1_000))
    video = mp4.read_video(mp4_file(ctts=shifts, elst=edits((5_000, 2_000, 1))))
    assert times(video) == [0, 4_000, 2_000, 1_000, 3_000]
    assert durations(video) == [1_000] * 5
    assert video.duration_ms == 5_000


@pytest.mark.parametrize("version", [0, 1])
def test_shifts_may_be_negative(version):
    """Both versions of the table are read as signed, as writers write them."""
    shifts = runs((1, 0), (1, 1_000), (1, -1_000), (2, 0), flags=version << 24)
    assert times(mp4.read_video(mp4_file(ctts=shifts))) == [0, 2_000, 1_000, 3_000, 4_000]


def test_frames_last_until_the_next():
    """Uneven times give uneven durations, and the last frame has its own."""
    video = mp4.read_video(mp4_file(stts=runs((1, 100), (2, 700), (1, 50), (1, 900))))
    assert times(video) == [0, 100, 800, 1_500, 1_550]
    assert durations(video) == [100, 700, 700, 50, 900]


@pytest.mark.parametrize(
    ("changed", "shown_at"),
    [
        ({"elst": edits((4_000, 1_000, 1))}, -1_000),
        ({"elst": edits((500, -1, 1), (5_000, 0, 1))}, 500),
        ({"elst": edits((250, -1, 1), (250, -1, 1), (4_000, 1_000, 1))}, -500),
        ({"elst": edits((500, -1, 1)), "mvhd": timed(timescale=100)}, 5_000),
        ({"elst": edits((500, -1, 1)), "mvhd": timed(timescale=100, version=1)}, 5_000),
        ({"elst": full(0, u32(0))}, 0),
    ],
)
def test_an_edit_list_moves_the_beginning(changed, shown_at):
    """An edit list cuts the beginning or waits before it, in ticks of the movie."""
    video = mp4.read_video(mp4_file(**changed))
    assert times(video)[0] == shown_at
    assert video.fault is None


@pytest.mark.parametrize(
    "elst",
    [edits((2_000, 0, 1), (2_000, 3_000, 1)), edits((5_000, 0, 2)), edits((5_000, 0, 0))],
)
def test_other_edits_do_not_play(elst):
    """Repeating, skipping and slow motion are marked, not played wrongly."""
    fault = mp4.read_video(mp4_file(elst=elst)).fault
    assert fault == "its edit list does more than choose where it begins"


def test_an_edit_list_that_hides_everything_does_not_play():
    """There would be nothing to show."""
    assert mp4.read_video(mp4_file(elst=edits((1, 4_999, 1)))).fault is None
    video = mp4.read_video(mp4_file(elst=edits((1, 5_000, 1))))
    assert video.fault == "its edit list hides every frame"


@pytest.mark.parametrize(
    ("frames", "lengths", "last"),
    [
        ((KEY,), runs((1, 2_000)), 2_000),
        ((KEY,), runs((1, 0)), 1_000),
        ((KEY, DELTA), runs((1, 300), (1, 0)), 300),
        ((KEY, DELTA), runs((2, 0)), 1_000),
    ],
)
def test_the_last_frame_lasts_too(frames, lengths, last):
    """The last frame lasts as the file says, else as the frame before it, else a second."""
    assert durations(mp4.read_video(mp4_file(frames=frames, stts=lengths)))[-1] == last


def test_a_lone_frame_on_a_slow_clock_lasts_a_tick():
    """A second can be less than a tick, and no frame has a duration of 0."""
    video = mp4.read_video(mp4_file(frames=(KEY,), stts=runs((1, 0)), mdhd=timed(timescale=1)))
    assert (durations(video), video.duration_ms) == ([1], 1_000)


@pytest.mark.parametrize(
    ("ticks", "timescale", "ms"),
    [(1, 2_000, 1), (1, 2_001, 0), (512, 15_360, 33), (-1, 1_000, -1), (2**70, 1_000, 2**70)],
)
def test_ticks_become_the_nearest_millisecond(ticks, timescale, ms):
    """Halves go up; no float is involved."""
    assert mp4.round_ms(ticks, timescale) == ms


# Well-formed, and not for us


def test_other_codecs_do_not_play():
    """A file with another codec is read but marked as not playable."""
    video = mp4.read_video(mp4_file(stsd=stsd(entry("hvc1"))))
    assert (video.codec, video.config, video.is_playable) == ("hvc1", b"", False)
    assert video.fault == "it is HEVC (hvc1); H.264 plays here"
    assert len(video.samples) == 5
    strange = mp4.read_video(mp4_file(stsd=stsd(entry("x\x01\n "))))
    assert strange.fault == "it is of another kind (x\\x01\\n ); H.264 plays here"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"stsd": stsd(entry(width=LIMITS.video_px + 1))}, "4097 x 960 pixels, at most 4096"),
        ({"stsd": stsd(entry(height=LIMITS.video_px + 1))}, "448 x 4097 pixels, at most 4096"),
        ({"stsd": stsd(entry(config=avcc(sps=())))}, "parameter sets are not in the file header"),
        ({"stts": runs((4, 1_000), (1, LIMITS.video_ms - 3_999))}, "10 min, at most 10 min"),
        ({"stss": runs()}, "its first frame is not a keyframe"),
        ({"frames": (DELTA, KEY), "stss": runs((2,))}, "its first frame is not a keyframe"),
        ({"stsc": runs((1, 5, 2))}, "its picture format changes"),
    ],
)
def test_a_file_that_does_not_play_has_a_fault(changed, fault):
    """The fault says why in words, although the file is whole."""
    video = mp4.read_video(mp4_file(**changed))
    assert not video.is_playable
    assert fault in (video.fault or "")


def test_limits_of_size_and_length_play():
    """The largest picture and the longest video play."""
    largest = stsd(entry(width=LIMITS.video_px, height=LIMITS.video_px))
    longest = runs((4, 1_000), (1, LIMITS.video_ms - 4_000))
    assert mp4.read_video(mp4_file(stsd=largest, stts=longest)).fault is None


@pytest.mark.parametrize(
    ("turn", "degrees"),
    [((1, 0), 0), ((0, 1), 90), ((-1, 0), 180), ((0, -1), 270), ((2, 0), 0)],
)
def test_a_rotated_video_plays(turn, degrees):
    """The angle in the track header is read."""
    for version in (0, 1):
        video = mp4.read_video(mp4_file(tkhd=tkhd(version=version, turn=matrix(*turn))))
        assert (video.rotation_degrees, video.fault) == (degrees, None)
