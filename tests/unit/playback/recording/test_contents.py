"""Tests of the merged recordings that a replay page is made of."""

from datetime import timedelta
from typing import Any

import pytest

from app.core.replay.replay_range import ReplayRange
from app.formats.replay.activity import Breadcrumb, NetworkSpan
from app.formats.stored import packed_json
from app.playback.recording import contents, merging, outline as outlines, recorded_segments
from app.playback.video import index
from app.playback.video.index_cache import PlayableReplay
from app.replays.model import Segment
from tests.unit.playback import building
from tests.unit.playback.building import START_MS
from tests.unit.playback.stored import NOW, START, replay


def segment(segment_id: int, start_ms: int, end_ms: int, **changes: Any) -> Segment:
    """Make a stored segment at a time after the replay's start."""
    values: dict[str, Any] = {
        "segment_id": segment_id,
        "received_at": NOW,
        "started_at": START + timedelta(milliseconds=start_ms),
        "ended_at": START + timedelta(milliseconds=end_ms),
        "replay_type": "session",
        "sdk_name": None,
        "width_px": 448,
        "height_px": 960,
        "frames": 5,
        "codec": None,
        "video_fault": None,
        "object_key": None,
        "object_offset": 0,
        "object_bytes": 0,
        "layout": None,
        "recording": packed_json.pack_json([]),
        "screens": (),
        **changes,
    }
    return Segment(**values)


def tap(at_ms: int, message: str) -> dict[str, Any]:
    """Make the rrweb event of a tap."""
    at = START_MS + at_ms
    payload = {"type": "default", "timestamp": at / 1000, "category": "ui.tap", "message": message}
    return {"type": 5, "timestamp": at, "data": {"tag": "breadcrumb", "payload": payload}}


def held(*playable: Any) -> PlayableReplay:
    """Hold playable segments with their index."""
    return PlayableReplay(tuple(playable), index.build_index(playable))


@pytest.mark.parametrize(
    ("ago_s", "has_video", "expected"),
    [
        (29, True, "live"),
        (30, True, "playing"),
        (29, False, "processing"),
        (30, False, "no_video"),
    ],
)
def test_a_state_follows_from_video_and_age(ago_s: int, has_video: bool, expected: str):
    """Half a minute without a segment is the end of live."""
    it = replay(last_received_at=NOW - timedelta(seconds=ago_s))
    assert outlines.find_state(it, has_video=has_video, now=NOW) == expected


def test_a_breadcrumb_of_two_segments_stands_once():
    """Same time, category and message are the same note; order is by time."""
    first = Breadcrumb(2, "ui.tap", "Pay", None, {})
    other = Breadcrumb(2, "ui.tap", "Cart", None, {})
    early = Breadcrumb(1, "ui.tap", "Pay", None, {})
    assert merging.merge_breadcrumbs([(first, other), (first, early)]) == (early, first, other)


def test_taps_of_one_moment_stay_as_many_as_they_were():
    """A segment's own repeats are real; only what another segment repeats is dropped."""
    tap = Breadcrumb(5, "ui.tap", "btn_retry", None, {})
    assert merging.merge_breadcrumbs([(tap, tap, tap), (tap, tap)]) == (tap, tap, tap)


def test_a_request_of_two_segments_stands_once():
    """Requests with the same start, end, kind and address count as one."""
    payment = NetworkSpan(5, 9, "resource.http", "/a", "GET", 200, None, None, {})
    refund = NetworkSpan(5, 9, "resource.http", "/b", "GET", 200, None, None, {})
    assert merging.merge_spans([(payment, refund), (payment,)]) == (payment, refund)


def test_screens_of_segments_share_their_time():
    """Two screens in ten seconds get five each; a repeat goes on; the last reaches to the end."""
    screens = contents.lay_out_segment_screens(
        [
            segment(1, 10_000, 20_000, screens=("Cart",)),
            segment(0, 0, 10_000, screens=("Login", "Cart")),
            segment(2, 20_000, 20_000, screens=("Done",)),
        ],
        zero_ms=START_MS,
        duration_ms=30_000,
    )
    assert [(screen.start_ms, screen.end_ms, screen.name) for screen in screens] == [
        (0, 5_000, "Login"),
        (5_000, 20_000, "Cart"),
        (20_000, 30_000, "Done"),
    ]


def test_a_page_counts_from_the_first_picture():
    """The player's zero is the first segment with video, and the page's is the same."""
    video = building.segment(1, 4_000, building.gops(5))
    listed = [
        segment(0, 0, 4_000, recording=packed_json.pack_json([tap(500, "Early")])),
        segment(1, 4_000, 9_000, layout=video.layout),
    ]
    outline = outlines.make_outline(replay(), held(video), NOW)
    assembled = contents.assemble_contents(outline, recorded_segments.read_recordings(listed))
    assert assembled.outline.zero_ms == START_MS + 4_000
    assert assembled.outline.duration_ms == 56_000
    assert outline.size_px_at(0) == (448, 960)
    assert assembled.outline.state == "playing"
    assert [crumb.message for crumb in assembled.breadcrumbs] == ["Early"]
    assert [(gap.start_ms, gap.end_ms) for gap in assembled.gaps] == [(5_000, 56_000)]


def test_recordings_beyond_the_bound_stay_closed(monkeypatch: pytest.MonkeyPatch):
    """Recordings up to the bound are read; later segments keep their video, without breadcrumbs."""
    tape = packed_json.pack_json([tap(500, "Pay")])
    listed = [segment(number, 0, 1_000, recording=tape) for number in range(4)]
    monkeypatch.setattr(
        recorded_segments, "MOST_BYTES", 2 * packed_json.read_first_text_bytes(tape)
    )
    read = recorded_segments.read_recordings(listed)
    assert [len(recorded.activity.breadcrumbs) for recorded in read] == [1, 1, 0, 0]
    assert [recorded.segment.segment_id for recorded in read] == [0, 1, 2, 3]
    assembled = contents.assemble_contents(outlines.make_outline(replay(), held(), NOW), read)
    assert [unread.segment_id for unread in assembled.unread] == [2, 3]
    unfetched = recorded_segments.read_recordings([listed[0], segment(1, 0, 1_000, recording=None)])
    assert [recorded.is_read for recorded in unfetched] == [True, False]


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "expected"),
    [(0, 20_000, None), (15_000, 20_001, 0), (25_000, 26_000, 1), (35_000, 36_000, 2)],
)
def test_a_range_names_the_segment_to_read_from(from_ms: int, to_ms: int, expected: int | None):
    """A range needs unread recordings if it ends among them, wherever it begins."""
    tape = packed_json.pack_json([])
    listed = [
        segment(number, number * 10_000, number * 10_000 + 10_000, recording=tape)
        for number in range(2)
    ]
    listed += [segment(2, 20_000, 30_000, recording=None), segment(3, 30_000, 40_000)]
    found = contents.assemble_contents(
        outlines.make_outline(replay(), held(), NOW), recorded_segments.read_recordings(listed)
    )
    assert [unread.segment_id for unread in found.unread] == [2, 3]
    assert contents.find_first_unread(found, ReplayRange(from_ms, to_ms)) == expected


def test_a_replay_without_video_keeps_its_panels():
    """No picture, no gaps: its zero is its start, and what was noted is there."""
    options = {"type": 5, "timestamp": START_MS, "data": {"tag": "options", "payload": {"a": 1}}}
    listed = [
        segment(0, 0, 60_000, recording=packed_json.pack_json([options, tap(10, "Pay")])),
        segment(2, 0, 60_000, recording=b"torn"),
        segment(3, 0, 60_000, recording=packed_json.pack_json({"not": "a list"})),
    ]
    outline = outlines.make_outline(replay(), held(), NOW)
    assembled = contents.assemble_contents(outline, recorded_segments.read_recordings(listed))
    assert (assembled.outline.zero_ms, assembled.outline.duration_ms, assembled.gaps) == (
        START_MS,
        60_000,
        (),
    )
    assert (assembled.outline.state, outline.size_px_at(0)) == ("no_video", None)
    assert assembled.missing_ids == (1,)
    assert assembled.options == {"a": 1}
    assert len(assembled.breadcrumbs) == 1


async def test_an_index_is_found_by_its_version():
    """A page that knows fewer segments goes on playing; an unknown version is none."""
    first = building.segment(0, 0, building.gops(5))
    second = building.segment(1, 5_000, building.gops(5))
    before, now = index.build_index([first]), held(first, second)
    assert await now.find_version(now.newest.version) is now.newest
    assert await now.find_version(before.version) == before
    assert await now.find_version(before.version) is await now.find_version(before.version)
    assert await now.find_version("1-0000000000000000") is None
