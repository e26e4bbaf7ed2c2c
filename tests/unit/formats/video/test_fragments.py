"""Tests of fragmented MP4: where time, size and flags of each sample come from."""

import pytest

from app.core.errors import MalformedInput
from app.formats.video import mp4
from tests.support.builders.mp4_boxes import (
    DELTA,
    FRAMES,
    KEY,
    NO_KEY,
    box,
    fragmented_file,
    full,
    i32,
    mp4_file,
    trun,
    u32,
    u64,
)


def times(video: mp4.Video) -> list[int]:
    """Return when each sample is shown."""
    return [sample.at for sample in video.samples]


def durations(video: mp4.Video) -> list[int]:
    """Return how long each sample is shown."""
    return [sample.duration for sample in video.samples]


def rows(*lines: tuple[int, ...]) -> bytes:
    """Write rows of a run."""
    return b"".join(u32(*(n & 0xFFFF_FFFF for n in line)) for line in lines)


def test_a_run_has_values_for_each_sample():
    """Length, size, flags and shift of every sample are read, signed where they must be."""
    shifts = (0, 500, -500, 0, 0)
    lines = [
        (500, len(frame), NO_KEY if number else 0, shift)
        for number, (frame, shift) in enumerate(zip(FRAMES, shifts, strict=True))
    ]
    video = mp4.read_video(fragmented_file(run=lambda at: trun(offset=at, columns=rows(*lines))))
    assert times(video) == [0, 1_000, 500, 1_500, 2_000]
    assert [s.is_key for s in video.samples] == [True] + [False] * 4
    assert video.fault is None


@pytest.mark.parametrize(
    ("tfhd", "extends"),
    [
        (full(0x20038, u32(1, 700, len(KEY), 0)), full(0, u32(1, 1, 1, 1, NO_KEY))),
        (full(0x20000, u32(1)), full(0, u32(1, 1, 700, len(KEY), 0))),
        (full(0x2002A, u32(1, 1, 700, 0)), full(0, u32(1, 9, 1, len(KEY), 1))),
    ],
)
def test_values_that_a_run_lacks_are_defaults(tfhd, extends):
    """Each value comes from the fragment's header, or else from the track's."""
    mvex = box("trex", full(0, u32(7, 0, 0, 0, 0))) + box("trex", extends)
    video = mp4.read_video(
        fragmented_file(
            frames=(KEY, KEY),
            tfhd=tfhd,
            mvex=mvex,
            run=lambda at: trun(flags=1, rows=2, offset=at),
        )
    )
    assert [(s.at, s.size_bytes, s.is_key) for s in video.samples] == [
        (0, len(KEY), True),
        (700, len(KEY), True),
    ]


def test_a_run_may_mark_only_its_first_sample():
    """The flags of the first sample replace the common ones."""
    sizes = rows(*((len(frame),) for frame in FRAMES))
    video = mp4.read_video(
        fragmented_file(run=lambda at: full(0x205, u32(5), i32(at), u32(0), sizes))
    )
    assert [s.is_key for s in video.samples] == [True] + [False] * 4
    assert durations(video) == [1_000] * 5


def test_an_empty_run_adds_nothing():
    """A run without samples adds neither samples nor the flags of a first one."""
    empty = box("trun", full(4, u32(0), u32(0)))
    data = fragmented_file()
    at = data.index(b"traf") - 4
    size, moof = int.from_bytes(data[at : at + 4], "big"), data.index(b"moof") - 4
    traf = data[at + 8 : at + size]
    more = len(empty)
    run = traf.index(b"trun") + 4
    moved = traf[: run + 8] + i32(int.from_bytes(traf[run + 8 : run + 12], "big") + more)
    grown = box("moof", data[moof + 8 : at], box("traf", moved, traf[run + 12 :], empty))
    video = mp4.read_video(data[:moof] + grown + data[at + size :])
    assert len(video.samples) == 5


def test_a_fragment_may_place_its_data_absolutely():
    """The run's offset then counts from there; without one the data begins there."""
    sizes = rows(*((len(frame),) for frame in FRAMES))
    run = full(0x204, u32(5), u32(0), sizes)
    draft = fragmented_file(tfhd=full(1, u32(1), u64(0)), trun=run)
    data = fragmented_file(tfhd=full(1, u32(1), u64(draft.rindex(KEY))), trun=run)
    assert mp4.read_video(data).samples[0].offset == data.rindex(KEY)


def second_fragment(flags: int, *, track: int = 1, tfdt: bytes = b""):
    """Write another fragment, which shows the last delta frame a second time."""
    start = sum(map(len, FRAMES[:-1]))

    def written(at: int) -> bytes:
        run = full(0x201, u32(1), i32(at + start), u32(len(DELTA)))
        return box("tfhd", full(flags, u32(track))) + tfdt + box("trun", run)

    return written


def test_time_goes_on_from_fragment_to_fragment():
    """A fragment without a time of its own follows the one before it."""
    tail = box("free", bytes(100))
    video = mp4.read_video(fragmented_file(second=second_fragment(0x20000)) + tail)
    assert times(video) == [0, 1_000, 2_000, 3_000, 4_000, 5_000]


@pytest.mark.parametrize(
    "tfdt", [box("tfdt", full(0, u32(9_000))), box("tfdt", full(0, u64(9_000), version=1))]
)
def test_a_fragment_may_have_a_time(tfdt):
    """The frame before it lasts until that time."""
    video = mp4.read_video(fragmented_file(second=second_fragment(0x20000, tfdt=tfdt)))
    assert times(video)[-2:] == [4_000, 9_000]
    assert durations(video)[-2:] == [5_000, 1_000]


def test_fragments_follow_the_samples_of_the_track_itself():
    """A file may begin plain and continue in fragments."""
    frames = (KEY, DELTA, DELTA)
    trex = box("mvex", box("trex", full(0, u32(1, 1, 1_000, len(DELTA), NO_KEY))))
    head = mp4_file(frames=frames, in_moov=trex)
    run = full(1, u32(1), i32(32 + len(KEY) - len(head)))
    traf = box("traf", box("tfhd", full(0x20000, u32(1))), box("trun", run))
    video = mp4.read_video(head + box("moof", traf) + box("free", bytes(200)))
    assert times(video) == [0, 1_000, 2_000, 3_000]
    assert video.samples[3].offset == video.samples[1].offset


def test_fragments_of_other_tracks_are_skipped():
    """Only those of the picture track count."""
    video = mp4.read_video(fragmented_file(second=second_fragment(0x20000, track=2)))
    assert len(video.samples) == 5
    other = box("traf", box("tfhd", full(0, u32(2))))
    with pytest.raises(MalformedInput, match="does not say where its samples lie"):
        mp4.read_video(fragmented_file(before_traf=other, tfhd=full(0, u32(1))))


def test_a_format_that_changes_in_a_fragment_does_not_play():
    """A fragment that needs another configuration than the first makes a video unplayable."""
    video = mp4.read_video(fragmented_file(tfhd=full(0x20002, u32(1, 2))))
    assert video.fault == "its picture format changes inside the file"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (fragmented_file(mvex=None), "no samples"),
        (fragmented_file(mvex=b"", tfhd=full(0x20000, u32(2))), "no samples"),
        (fragmented_file(trun=None), "no samples"),
        (fragmented_file(tfhd=full(0x20008, u32(1))), "too short"),
        (fragmented_file(tfdt=full(0)), "too short"),
        (fragmented_file(trun=trun(rows=5)), "is cut: 5 rows"),
        (fragmented_file(trun=full(1, u32(5), i32(-4_000))), "is empty|outside the file"),
        (fragmented_file(run=lambda at: trun(offset=at - 4_000, columns=rows(*[(1, 9, 0, 0)] * 5))),
         "outside the file"),
    ],
)  # fmt: skip
def test_a_broken_fragment_is_refused(data, message):
    """Each fault is found, and the message names it."""
    with pytest.raises(MalformedInput, match=message):
        mp4.read_video(data)
