"""Tests of the gestures that are made of touches."""

from datetime import UTC, datetime, timedelta

from app.formats.stored import packed_json
from app.playback.recording import gestures, recorded_segments
from app.playback.recording.gestures import Gesture
from app.replays.model import Segment

ZERO = datetime(2026, 11, 24, 14, tzinfo=UTC)
ZERO_MS = round(ZERO.timestamp() * 1000)
PORTRAIT, LANDSCAPE = (448, 960), (960, 448)
_TYPES = {"start": 7, "end": 9, "cancel": 10}


def touch(kind: str, at_ms: int, x: float, y: float, pointer: int = 0) -> dict[str, object]:
    """Make the event of a finger that comes down, goes up, or whose touch is cancelled."""
    data = {"source": 2, "type": _TYPES[kind], "id": 0, "x": x, "y": y, "pointerId": pointer}
    return {"type": 3, "timestamp": ZERO_MS + at_ms, "data": data}


def moves(at_ms: int, *points: tuple[int, float, float], pointer: int = 0) -> dict[str, object]:
    """Make the event of a finger that moved; each point has its offset from the event."""
    positions = [{"id": 0, "x": x, "y": y, "timeOffset": offset} for offset, x, y in points]
    data = {"source": 6, "pointerId": pointer, "positions": positions}
    return {"type": 3, "timestamp": ZERO_MS + at_ms, "data": data}


def segment(
    number: int, *events: dict[str, object], start_ms: int = 0, size: tuple[int, int] = PORTRAIT
) -> Segment:
    """Make a stored segment of a recording."""
    width, height = size
    meta = {"type": 4, "timestamp": ZERO_MS, "data": {"width": width, "height": height}}
    start = ZERO + timedelta(milliseconds=start_ms)
    return Segment(
        segment_id=number,
        received_at=start,
        started_at=start,
        ended_at=start + timedelta(seconds=5),
        replay_type=None,
        sdk_name=None,
        width_px=width,
        height_px=height,
        frames=5,
        codec=None,
        video_fault=None,
        object_key=None,
        object_offset=0,
        object_bytes=0,
        layout=None,
        recording=packed_json.pack_json([meta, *events]),
        screens=(),
    )


def read(*segments: Segment) -> tuple[Gesture, ...]:
    """Read gestures on a clock that begins at `ZERO`."""
    return gestures.read_gestures(recorded_segments.read_recordings(segments), zero_ms=ZERO_MS)


def outline(gestures: tuple[Gesture, ...]) -> list[tuple[str, int, int, int]]:
    """Tell kind, finger, start and end of each."""
    return [
        (gesture.kind, gesture.finger, gesture.start_ms, gesture.end_ms) for gesture in gestures
    ]


def test_distance_and_time_tell_tap_press_and_swipe():
    """Half a second makes a press, more than a finger's roll a swipe, the rest are taps."""
    gestures = read(
        segment(
            0,
            touch("start", 100, 10, 10), touch("end", 160, 20, 12),
            touch("start", 1000, 10, 10), touch("end", 1500, 15, 10),
            touch("start", 2000, 10, 10), touch("end", 2080, 10, 300),
        )
    )  # fmt: skip
    assert outline(gestures) == [
        ("tap", 0, 100, 160),
        ("press", 0, 1000, 1500),
        ("swipe", 0, 2000, 2080),
    ]
    assert [gesture.taps for gesture in gestures] == [1, 1, 1]


def test_a_gesture_has_all_its_points():
    """Moves lie at their offsets; one that comes back is a swipe all the same."""
    (swipe,) = read(
        segment(
            0, touch("start", 0, 100, 100), moves(300, (-200, 100, 50), (0, 100, 90)),
            touch("end", 400, 100, 100),
        )
    )  # fmt: skip
    assert swipe.kind == "swipe"
    assert [(point.at_ms, point.y) for point in swipe.points] == [
        (0, 100),
        (100, 50),
        (300, 90),
        (400, 100),
    ]


def test_fingers_that_are_down_together_are_told_apart():
    """Ids of iOS count on for ever, numbers of fingers do not; a cancel ends them all."""
    gestures = read(
        segment(
            0,
            touch("start", 0, 10, 10, 41), touch("start", 20, 200, 10, 42),
            touch("end", 90, 10, 10, 41), touch("end", 95, 200, 10, 42),
            touch("start", 2000, 10, 10, 43), touch("start", 2010, 300, 10, 44),
            touch("cancel", 2100, 10, 10, 43), touch("end", 9000, 300, 10, 44),
        )
    )  # fmt: skip
    assert outline(gestures) == [
        ("tap", 0, 0, 90),
        ("tap", 1, 20, 95),
        ("tap", 0, 2000, 2100),
        ("tap", 1, 2010, 2010),
    ]


def test_a_finger_gets_the_least_number_that_is_free():
    """Whichever left first; thousands at once are numbered as quickly as two."""
    down = [touch("start", at_ms, 10, 10, 40 + at_ms) for at_ms in range(4)]
    gestures = read(
        segment(
            0, *down,
            touch("end", 10, 10, 10, 42), touch("end", 11, 10, 10, 40),
            touch("start", 20, 10, 10, 60), touch("start", 21, 10, 10, 61),
            touch("start", 22, 10, 10, 62),
        )
    )  # fmt: skip
    assert [gesture.finger for gesture in gestures] == [0, 1, 2, 3, 0, 2, 4]


def test_a_gesture_may_cross_into_the_next_segment():
    """A touch on the border may come twice; without an end, the last position is the end."""
    first = segment(0, touch("start", 4950, 10, 10), moves(5000, (0, 10, 60)))
    second = segment(1, moves(5000, (0, 10, 60)), touch("end", 5400, 10, 400), start_ms=5000)
    lost = segment(2, touch("start", 12_000, 7, 7), start_ms=10_000)
    assert outline(read(lost, second, first)) == [
        ("swipe", 0, 4950, 5400),
        ("tap", 0, 12_000, 12_000),
    ]


def test_points_are_in_the_pixels_of_the_segment_that_began():
    """Another quality is scaled; a turned phone ends the gesture, for its places mean nothing."""
    first = segment(0, touch("start", 4900, 100, 100))
    larger = segment(1, touch("end", 5100, 200, 1000), start_ms=5000, size=(896, 1920))
    turned = segment(1, touch("end", 5100, 900, 100), start_ms=5000, size=LANDSCAPE)
    (swipe,) = read(first, larger)
    assert (swipe.size, swipe.points[-1].x, swipe.points[-1].y) == (PORTRAIT, 100, 500)
    assert outline(read(first, turned)) == [("tap", 0, 4900, 4900)]


def test_quick_taps_on_one_place_are_counted():
    """Three within a second each; a tap elsewhere or later begins a new count."""
    quick = [touch(kind, at_ms + off, 50, 50) for at_ms in (0, 200, 1100)
             for kind, off in (("start", 0), ("end", 50))]  # fmt: skip
    later = [touch("start", 2200, 50, 50), touch("end", 2250, 50, 50)]
    elsewhere = [touch("start", 2400, 250, 50), touch("end", 2450, 250, 50)]
    assert [gesture.taps for gesture in read(segment(0, *quick, *later, *elsewhere))] == [
        3,
        3,
        3,
        1,
        1,
    ]


def test_a_tap_without_effect_is_marked():
    """Only an SDK can tell; it notes the moment of the tap."""
    note = {
        "type": 5,
        "timestamp": ZERO_MS + 1010,
        "data": {"tag": "breadcrumb", "payload": {"category": "ui.slowClickDetected"}},
    }
    taps = [touch(kind, at_ms, 5, 5) for at_ms in (1000, 5000) for kind in ("start", "end")]
    assert [gesture.is_dead for gesture in read(segment(0, *taps, note))] == [True, False]


def test_what_cannot_be_read_leaves_the_rest_alone():
    """A damaged recording, one that is not a list, and an end without a start give no gestures."""
    damaged = Segment(**{
        **{name: getattr(segment(0), name) for name in Segment._fields}, "recording": b"?"
    })  # fmt: skip
    assert read(damaged, segment(1, touch("end", 10, 1, 1), start_ms=5000)) == ()
