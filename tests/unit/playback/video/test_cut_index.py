"""Tests of cutting an index down to a part of a replay."""

from hypothesis import given, strategies as st

from app.core.replay.replay_range import ReplayRange
from app.playback.video import stream
from app.playback.video.cut_index import cut_index
from app.playback.video.index import PlaybackIndex, build_index
from app.playback.video.widened_range import widen_range
from tests.unit.playback.building import gops, segment


def _index() -> PlaybackIndex:
    """Three groups of 3 s, a gap from 9 s to 20 s, and two more groups."""
    return build_index([segment(0, 0, gops(3, 3, 3)), segment(1, 20_000, gops(3, 3))])


def _cut(from_ms: int, to_ms: int) -> PlaybackIndex:
    """Cut the index to a range, widened to its groups."""
    index, asked = _index(), ReplayRange(from_ms, to_ms)
    groups = widen_range(index, asked)
    if groups is None:
        return cut_index(index, None, asked)
    shown = ReplayRange(min(from_ms, groups.from_ms), max(to_ms, groups.to_ms))
    return cut_index(index, groups, shown)


def test_the_part_begins_at_zero_and_has_its_own_groups_only():
    """Times and places in the stream count from the beginning of the part."""
    cut = _cut(4_000, 8_000)
    assert [gop.start_ms for gop in cut.gops] == [0, 3_000]
    assert cut.duration_ms == 6_000
    assert cut.gops[0].offset == 0
    assert cut.size_bytes == sum(gop.size_bytes for gop in cut.gops)
    assert cut.started_at_ms == _index().started_at_ms + 3_000


def test_a_gap_is_cut_with_the_rest():
    """Only what lies in the part is left of a gap."""
    cut = _cut(8_000, 21_000)
    assert [(gap.start_ms, gap.end_ms) for gap in cut.gaps] == [(3_000, 14_000)]
    assert [(gap.start_ms, gap.end_ms) for gap in _cut(10_000, 12_000).gaps] == [(0, 2_000)]


def test_a_part_without_video_has_an_empty_stream():
    """Nothing can be read of it."""
    cut = _cut(10_000, 12_000)
    assert (cut.gops, cut.configs, cut.size_bytes, cut.duration_ms) == ((), (), 0, 0)
    assert list(stream.find_stream_parts(cut, 0, 10**9)) == []


def test_the_version_names_the_part_and_nothing_of_the_replay():
    """A replay that grows elsewhere keeps the version; other parts have others."""
    longer = build_index(
        [segment(0, 0, gops(3, 3, 3)), segment(1, 20_000, gops(3, 3)), segment(2, 26_000, gops(3))]
    )
    asked = ReplayRange(3_000, 6_000)
    cut = cut_index(longer, widen_range(longer, asked), asked)
    assert cut.version == _cut(3_000, 6_000).version
    assert cut.version != _cut(0, 3_000).version
    assert longer.version not in cut.version


@given(st.integers(0, 30_000), st.integers(1, 30_000), st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_byte_range_leads_out_of_the_part(from_ms, length_ms, start, length):
    """Whatever is asked of the stream lies in the objects' bytes of the part's own groups."""
    index, asked = _index(), ReplayRange(from_ms, from_ms + length_ms)
    groups = widen_range(index, asked)
    cut = _cut(asked.from_ms, asked.to_ms)
    own = index.gops[groups.first_gop : groups.end_gop] if groups else ()
    allowed = {
        (gop.object_key, at)
        for gop in own
        for span in gop.spans
        for at in range(span.offset, span.offset + span.length)
    }
    for part in stream.find_stream_parts(cut, start, start + length):
        if not part.made:
            wanted = {(part.key, at) for at in range(part.offset, part.offset + part.length)}
            assert wanted <= allowed
