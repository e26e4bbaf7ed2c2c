"""A sealed object holds the recordings first, then the videos, and is never too large."""

from hypothesis import given, strategies as st

from app.closing.sealing.layout import SealedLayout, SegmentParts, lay_out_replay
from app.storage.ranged_reads import ObjectRange


def make_segment(segment_id: int, recording_bytes: int, video_bytes: int | None) -> SegmentParts:
    """Make a segment whose recording lies in its row, and whose video lies in a pack."""
    video = None if video_bytes is None else ObjectRange(f"pack-{segment_id}", 7, video_bytes)
    return SegmentParts(segment_id, recording_bytes, None, video)


def list_parts(layouts: list[SealedLayout]) -> list[tuple[int, int, str, int, int]]:
    """List object, segment, kind, offset and size of every part."""
    return [
        (number, part.segment_id, part.kind, part.offset, part.size_bytes)
        for number, layout in enumerate(layouts)
        for part in layout.parts
    ]


def test_recordings_come_before_videos():
    """All recordings lie side by side at the beginning, in the order of their segments."""
    layouts = lay_out_replay([make_segment(0, 10, 100), make_segment(2, 20, 200)])
    assert list_parts(layouts) == [
        (0, 0, "recording", 0, 10),
        (0, 2, "recording", 10, 20),
        (0, 0, "video", 30, 100),
        (0, 2, "video", 130, 200),
    ]
    assert layouts[0].size_bytes == 330


def test_a_segment_without_video_has_its_recording_only():
    """A replay without video is sealed as well."""
    layouts = lay_out_replay([make_segment(0, 10, None), make_segment(1, 0, None)])
    assert list_parts(layouts) == [(0, 0, "recording", 0, 10), (0, 1, "recording", 10, 0)]


def test_a_full_object_is_followed_by_another():
    """A part that does not fit begins the next object, at its first byte."""
    layouts = lay_out_replay([make_segment(n, 10, 40) for n in range(3)], object_bytes=100)
    assert list_parts(layouts) == [
        (0, 0, "recording", 0, 10),
        (0, 1, "recording", 10, 10),
        (0, 2, "recording", 20, 10),
        (0, 0, "video", 30, 40),
        (1, 1, "video", 0, 40),
        (1, 2, "video", 40, 40),
    ]


def test_a_part_larger_than_an_object_lies_alone():
    """A part is never cut."""
    layouts = lay_out_replay([make_segment(0, 10, 500), make_segment(1, 10, 20)], object_bytes=100)
    assert [layout.size_bytes for layout in layouts] == [20, 500, 20]


def test_a_replay_without_segments_has_no_object():
    """There is nothing to put."""
    assert lay_out_replay([]) == []


@given(
    st.lists(st.tuples(st.integers(0, 60), st.none() | st.integers(0, 120)), max_size=20),
    st.integers(1, 150),
)
def test_every_part_has_one_place(sizes, object_bytes):
    """No part is lost, cut, doubled or laid over another, whatever the sizes."""
    segments = [make_segment(n, recording, video) for n, (recording, video) in enumerate(sizes)]
    layouts = lay_out_replay(segments, object_bytes=object_bytes)
    parts = [part for layout in layouts for part in layout.parts]
    wanted = [(n, "recording", size) for n, (size, _) in enumerate(sizes)]
    wanted += [(n, "video", size) for n, (_, size) in enumerate(sizes) if size is not None]
    assert [(part.segment_id, part.kind, part.size_bytes) for part in parts] == wanted
    for layout in layouts:
        ends = [0, *(part.end for part in layout.parts)]
        assert [part.offset for part in layout.parts] == ends[:-1]
        assert (
            layout.size_bytes <= object_bytes
            or len(layout.parts) == 1
            or (sum(part.size_bytes > 0 for part in layout.parts) == 1)
        )
