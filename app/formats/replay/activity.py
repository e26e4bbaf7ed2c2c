"""Turns the rrweb events of a segment into what pages list: breadcrumbs, requests and touches.

Nothing here raises: an event of an odd shape is skipped, and counted as unknown.

Source: docs/protocol.md, sections 5.4 to 5.7.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.replay import recording

TouchKind = Literal["start", "end", "cancel", "move"]

_INTERACTION: Final = 2
_TOUCH_MOVE: Final = 6
"""Values of `source` in incremental events."""
_TOUCH_KINDS: Final[dict[int, TouchKind]] = {7: "start", 9: "end", 10: "cancel"}
_NAME_CHARS: Final = 200
_LONGEST_OFFSET_MS: Final = 24 * 60 * 60 * 1000
_HIGHEST_NUMBER: Final = 2**53
_LOWEST_STATUS: Final = 100
"""Browsers write 0 for a request that was not answered."""
_HIGHEST_STATUS: Final = 999
FIRST_FAILED_STATUS: Final = 400
_ALWAYS_WITH_STATUS: Final = frozenset({"resource.http", "resource.fetch", "resource.xhr"})
"""Requests whose status SDKs always know if there was an answer. They never know that of a picture
on a web page, for example."""


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """A typed note of the app, such as a tap, a screen, or a change of the battery."""

    at_ms: int
    category: str
    """The category, which is `default` if the SDK names none."""
    message: str | None
    level: str | None
    data: JsonObject


@dataclass(frozen=True, slots=True)
class NetworkSpan:
    """Something that took time: a request, and in browsers also paints and the like."""

    at_ms: int
    ended_ms: int | None
    """The end, or None if the SDK names none, or one before the start."""
    op: str
    url: str | None
    method: str | None
    status: int | None
    """The HTTP status, or None if nobody answered."""
    request_bytes: int | None
    response_bytes: int | None
    data: JsonObject

    @property
    def is_request(self) -> bool:
        """True if it went over the network."""
        return self.op.startswith("resource.")

    @property
    def has_failed(self) -> bool:
        """True if the request failed, by the rule of `has_request_failed`."""
        return has_request_failed(self.op, self.status)


@dataclass(frozen=True, slots=True)
class Touch:
    """One position of a finger, in the pixels that `recording.read_screen_size_px` measures."""

    at_ms: int
    kind: TouchKind
    pointer_id: int
    x: float
    y: float


class Activity(NamedTuple):
    """The activity in a segment, each part in time order.

    It is a named tuple because those are quick to make, and a replay has hundreds of segments.
    """

    breadcrumbs: tuple[Breadcrumb, ...]
    spans: tuple[NetworkSpan, ...]
    touches: tuple[Touch, ...]
    options: JsonObject | None
    """The SDK's replay settings, which the first segment carries."""
    move_batches: int
    """The number of events that held the moves among the touches."""
    unknown: int
    """The number of events of an odd shape or an unknown kind."""


@dataclass(slots=True)
class _ActivityBuilder:
    """Collects the activity in a segment, event by event."""

    is_clock_set: bool
    """True if the phone's clock was set; times before 2000 are not believed then."""
    breadcrumbs: list[Breadcrumb] = field(default_factory=list)
    spans: list[NetworkSpan] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    options: JsonObject | None = None
    move_batches: int = 0
    unknown: int = 0


def find_touched(crumb: Breadcrumb) -> str | None:
    """Name what was touched: by its label, or else by the message, or else by its id."""
    for part in reversed(jsonish.sequence(crumb.data, "path")):
        if isinstance(part, dict) and (label := jsonish.text(part, "label", limit=_NAME_CHARS)):
            return label
    named = (jsonish.text(crumb.data, name, limit=_NAME_CHARS) for name in ("view.id", "view.tag"))
    return crumb.message or next(filter(None, named), None)


def has_request_failed(op: str, status: int | None) -> bool:
    """Tell whether a request failed: its status is 400 or more, or nobody answered it.

    The counts that are stored with a segment follow this rule, and so does the page of a replay.
    """
    if status is None:
        return op in _ALWAYS_WITH_STATUS
    return status >= FIRST_FAILED_STATUS


def read_status(value: float | None) -> int | None:
    """Return a number as HTTP status; None for a number that is not one."""
    if value is None or not _LOWEST_STATUS <= value <= _HIGHEST_STATUS or value != int(value):
        return None
    return int(value)


def read_activity(events: Sequence[JsonObject], *, with_touches: bool = True) -> Activity:
    """Read all events of one segment.

    Args:
        events: The events that `recording.read_recording` returns.
        with_touches: False skips touches, which are most of a recording.
    """
    builder = _ActivityBuilder(is_clock_set=_is_clock_set(events))
    for event in events:
        if not with_touches and event.get("type") == recording.INCREMENTAL:
            continue
        if not _read_event(event, builder):
            builder.unknown += 1
    return Activity(
        breadcrumbs=tuple(sorted(builder.breadcrumbs, key=lambda each: each.at_ms)),
        spans=tuple(sorted(builder.spans, key=lambda each: each.at_ms)),
        touches=tuple(sorted(builder.touches, key=lambda each: each.at_ms)),
        options=builder.options,
        move_batches=builder.move_batches,
        unknown=builder.unknown,
    )


def shift_activity(activity: Activity, shift_ms: int) -> Activity:
    """Move all activity in a segment by what its phone's clock was wrong."""
    if not shift_ms:
        return activity
    return activity._replace(
        breadcrumbs=tuple(
            replace(breadcrumb, at_ms=breadcrumb.at_ms + shift_ms)
            for breadcrumb in activity.breadcrumbs
        ),
        spans=tuple(_shift_span(span, shift_ms) for span in activity.spans),
        touches=tuple(replace(touch, at_ms=touch.at_ms + shift_ms) for touch in activity.touches),
    )


def _shift_span(span: NetworkSpan, shift_ms: int) -> NetworkSpan:
    ended_ms = None if span.ended_ms is None else span.ended_ms + shift_ms
    return replace(span, at_ms=span.at_ms + shift_ms, ended_ms=ended_ms)


def _is_clock_set(events: Sequence[JsonObject]) -> bool:
    """Tell whether any event, of all in time order, has a time of a clock that was set."""
    edges = [event.get("timestamp") for event in (*events[:1], *events[-1:])]
    edges_ms = [at_ms for edge in edges if (at_ms := timestamps.read_epoch_ms(edge)) is not None]
    return not edges_ms or any(map(timestamps.is_set_ms, edges_ms))


def _believe(at_ms: int | None, builder: _ActivityBuilder) -> int | None:
    """Return a time, unless it is of 1970 among times of a clock that was set."""
    is_stray = at_ms is not None and builder.is_clock_set and not timestamps.is_set_ms(at_ms)
    return None if is_stray else at_ms


def _read_event(event: JsonObject, builder: _ActivityBuilder) -> bool:
    """Add one event to the activity; return False if it is of an odd shape or an unknown kind."""
    data = event.get("data")
    if not isinstance(data, dict):
        return False
    at_ms = _believe(timestamps.read_epoch_ms(event.get("timestamp")), builder)
    match event.get("type"):
        case recording.META:
            return True
        case recording.CUSTOM:
            return _read_custom(data, at_ms, builder)
        case recording.INCREMENTAL:
            return at_ms is not None and _read_touch(data, at_ms, builder)
        case _:
            return False


def _read_custom(data: JsonObject, at_ms: int | None, builder: _ActivityBuilder) -> bool:
    payload = data.get("payload")
    if not isinstance(payload, dict):
        return False
    match data.get("tag"):
        case "breadcrumb":
            return _read_breadcrumb(payload, at_ms, builder)
        case "performanceSpan":
            return _read_span(payload, at_ms, builder)
        case "options":
            builder.options = builder.options or payload
            return True
        case tag:
            return tag == "video"


def _read_breadcrumb(payload: JsonObject, at_ms: int | None, builder: _ActivityBuilder) -> bool:
    noted_ms = at_ms or _believe(timestamps.read_ms(payload.get("timestamp")), builder)
    if noted_ms is None:
        return False
    level = jsonish.text(payload, "level", limit=_NAME_CHARS)
    builder.breadcrumbs.append(
        Breadcrumb(
            at_ms=noted_ms,
            category=jsonish.text(payload, "category", limit=_NAME_CHARS) or "default",
            message=jsonish.text(payload, "message"),
            level=None if level == "none" else level,
            data=jsonish.mapping(payload, "data"),
        )
    )
    return True


def _read_span(payload: JsonObject, at_ms: int | None, builder: _ActivityBuilder) -> bool:
    """Place a span by the payload's times, since each SDK means another moment by the event's."""
    started_ms = _believe(timestamps.read_ms(payload.get("startTimestamp")), builder) or at_ms
    if started_ms is None:
        return False
    ended_ms = timestamps.read_ms(payload.get("endTimestamp"))
    data = jsonish.mapping(payload, "data")
    builder.spans.append(
        NetworkSpan(
            at_ms=started_ms,
            ended_ms=None if ended_ms is None or ended_ms < started_ms else ended_ms,
            op=jsonish.text(payload, "op", limit=_NAME_CHARS) or "",
            url=jsonish.text(payload, "description"),
            method=jsonish.text(data, "method", limit=_NAME_CHARS),
            status=jsonish.integer(
                data, "statusCode", lowest=_LOWEST_STATUS, highest=_HIGHEST_STATUS
            ),
            request_bytes=_read_body_bytes(data, "request"),
            response_bytes=_read_body_bytes(data, "response"),
            data=data,
        )
    )
    return True


def _read_body_bytes(data: JsonObject, side: str) -> int | None:
    """Return the size of the body of a request or response, which SDKs write in two places."""
    size_bytes = _read_count(data, f"{side}BodySize")
    return _read_count(jsonish.mapping(data, side), "size") if size_bytes is None else size_bytes


def _read_count(data: JsonObject, key: str) -> int | None:
    return jsonish.integer(data, key, lowest=0, highest=_HIGHEST_NUMBER)


def _read_touch(data: JsonObject, at_ms: int, builder: _ActivityBuilder) -> bool:
    pointer_id = jsonish.integer(data, "pointerId", lowest=0, highest=_HIGHEST_NUMBER) or 0
    if data.get("source") == _TOUCH_MOVE:
        moves = _expand_moves(data, at_ms, pointer_id)
        builder.touches.extend(moves)
        builder.move_batches += 1 if moves else 0
        return bool(moves)
    kind = _TOUCH_KINDS.get(jsonish.integer(data, "type") or 0)
    point = _read_point(data)
    if data.get("source") != _INTERACTION or kind is None or point is None:
        return False
    builder.touches.append(Touch(at_ms, kind, pointer_id, *point))
    return True


def _expand_moves(data: JsonObject, at_ms: int, pointer_id: int) -> list[Touch]:
    """Expand one move event; each position is `timeOffset` ms, at most 0, from the event's time."""
    moves = []
    for position in jsonish.sequence(data, "positions"):
        point = _read_point(position) if isinstance(position, dict) else None
        if point is not None:
            offset = jsonish.number(position, "timeOffset") or 0.0
            if abs(offset) <= _LONGEST_OFFSET_MS:
                moves.append(Touch(at_ms + round(offset), "move", pointer_id, *point))
    return moves


def _read_point(data: JsonObject) -> tuple[float, float] | None:
    x, y = jsonish.number(data, "x"), jsonish.number(data, "y")
    return None if x is None or y is None else (x, y)
