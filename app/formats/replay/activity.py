"""Turns the rrweb events of a segment into what pages list and count: notes, requests, touches.

Nothing here raises: an event of an odd shape is skipped and counted as unknown.

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
"""`source` of incremental events."""
_TOUCH_KINDS: Final[dict[int, TouchKind]] = {7: "start", 9: "end", 10: "cancel"}
_NAME_CHARS: Final = 200
_LONGEST_OFFSET_MS: Final = 24 * 60 * 60 * 1000
_MOST: Final = 2**53
_LOWEST_STATUS: Final = 100
"""Browsers write 0 for a request that was not answered."""
_HIGHEST_STATUS: Final = 999
FIRST_FAILED_STATUS: Final = 400
_ANSWERED: Final = frozenset({"resource.http", "resource.fetch", "resource.xhr"})
"""Requests whose status an SDK always notes; that of a picture of a web page is not known to it."""


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """A typed note of the app: a tap, a screen, a change of the battery."""

    at_ms: int
    category: str
    """`default` where the SDK names none."""
    message: str | None
    level: str | None
    data: JsonObject


@dataclass(frozen=True, slots=True)
class NetworkSpan:
    """Something that took time: on mobile a request, in browsers also paints and the like."""

    at_ms: int
    ended_ms: int | None
    """None if it is not told or lies before the start."""
    op: str
    url: str | None
    method: str | None
    status: int | None
    """None if nobody answered."""
    request_bytes: int | None
    response_bytes: int | None
    data: JsonObject

    @property
    def is_request(self) -> bool:
        """It went over the network."""
        return self.op.startswith("resource.")

    @property
    def has_failed(self) -> bool:
        """Whether the request failed; see `has_failed`."""
        return has_request_failed(self.op, self.status)


@dataclass(frozen=True, slots=True)
class Touch:
    """One point of a finger, in pixels of the segment's video (see `recording.size`)."""

    at_ms: int
    kind: TouchKind
    pointer_id: int
    x: float
    y: float


class Activity(NamedTuple):
    """All of it, each part in time order. A tuple, for a replay has hundreds."""

    breadcrumbs: tuple[Breadcrumb, ...]
    spans: tuple[NetworkSpan, ...]
    touches: tuple[Touch, ...]
    options: JsonObject | None
    """The SDK's replay settings; the first segment carries them."""
    move_batches: int
    """Events that the moves among the touches came in."""
    unknown: int
    """Events that are none of these, odd or of a kind not known here."""


@dataclass(slots=True)
class _Found:
    is_set: bool
    """Whether the phone's clock was set: then a time before 2000 is none."""
    breadcrumbs: list[Breadcrumb] = field(default_factory=list)
    spans: list[NetworkSpan] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    options: JsonObject | None = None
    move_batches: int = 0
    unknown: int = 0


def has_request_failed(op: str, status: int | None) -> bool:
    """Tell whether a request failed: its status is 400 or more, or nobody answered it.

    The list counts by this rule when a segment is stored, and the page of a replay marks by it.
    """
    if status is None:
        return op in _ANSWERED
    return status >= FIRST_FAILED_STATUS


def read_status(value: float | None) -> int | None:
    """Return a status that was read as a number; None if it is not one of HTTP."""
    if value is None or not _LOWEST_STATUS <= value <= _HIGHEST_STATUS or value != int(value):
        return None
    return int(value)


def read_activity(events: Sequence[JsonObject], *, with_touches: bool = True) -> Activity:
    """Read all events of one segment.

    Args:
        events: As `recording.read` gives them.
        with_touches: False leaves touches out, unseen; they are most of a recording.
    """
    found = _Found(is_set=_is_set(events))
    for event in events:
        if not with_touches and event.get("type") == recording.INCREMENTAL:
            continue
        if not _read_event(event, found):
            found.unknown += 1
    return Activity(
        breadcrumbs=tuple(sorted(found.breadcrumbs, key=lambda each: each.at_ms)),
        spans=tuple(sorted(found.spans, key=lambda each: each.at_ms)),
        touches=tuple(sorted(found.touches, key=lambda each: each.at_ms)),
        options=found.options,
        move_batches=found.move_batches,
        unknown=found.unknown,
    )


def shift_activity(found: Activity, shift_ms: int) -> Activity:
    """Move all of a segment's activity, by what its phone's clock was set."""
    if not shift_ms:
        return found
    return found._replace(
        breadcrumbs=tuple(replace(one, at_ms=one.at_ms + shift_ms) for one in found.breadcrumbs),
        spans=tuple(_shift_span(one, shift_ms) for one in found.spans),
        touches=tuple(replace(one, at_ms=one.at_ms + shift_ms) for one in found.touches),
    )


def _shift_span(span: NetworkSpan, shift_ms: int) -> NetworkSpan:
    ended_ms = None if span.ended_ms is None else span.ended_ms + shift_ms
    return replace(span, at_ms=span.at_ms + shift_ms, ended_ms=ended_ms)


def _is_set(events: Sequence[JsonObject]) -> bool:
    """Tell whether any event has a time of a clock that was set; they are in the order of time."""
    edges = (timestamps.read_epoch_ms(one.get("timestamp")) for one in (*events[:1], *events[-1:]))
    read_activity = [at_ms for at_ms in edges if at_ms is not None]
    return not read_activity or any(map(timestamps.is_set_ms, read_activity))


def _believed(at_ms: int | None, found: _Found) -> int | None:
    is_stray = at_ms is not None and found.is_set and not timestamps.is_set_ms(at_ms)
    return None if is_stray else at_ms


def _read_event(event: JsonObject, found: _Found) -> bool:
    """Add one event to what was found; False if it is nothing known."""
    data = event.get("data")
    if not isinstance(data, dict):
        return False
    at_ms = _believed(timestamps.read_epoch_ms(event.get("timestamp")), found)
    match event.get("type"):
        case recording.META:
            return True
        case recording.CUSTOM:
            return _read_custom(data, at_ms, found)
        case recording.INCREMENTAL:
            return at_ms is not None and _read_touch(data, at_ms, found)
        case _:
            return False


def _read_custom(data: JsonObject, at_ms: int | None, found: _Found) -> bool:
    payload = data.get("payload")
    if not isinstance(payload, dict):
        return False
    match data.get("tag"):
        case "breadcrumb":
            return _read_breadcrumb(payload, at_ms, found)
        case "performanceSpan":
            return _read_span(payload, at_ms, found)
        case "options":
            found.options = found.options or payload
            return True
        case tag:
            return tag == "video"


def _read_breadcrumb(payload: JsonObject, at_ms: int | None, found: _Found) -> bool:
    noted_ms = at_ms or _believed(timestamps.read_ms(payload.get("timestamp")), found)
    if noted_ms is None:
        return False
    level = jsonish.text(payload, "level", limit=_NAME_CHARS)
    found.breadcrumbs.append(
        Breadcrumb(
            at_ms=noted_ms,
            category=jsonish.text(payload, "category", limit=_NAME_CHARS) or "default",
            message=jsonish.text(payload, "message"),
            level=None if level == "none" else level,
            data=jsonish.mapping(payload, "data"),
        )
    )
    return True


def _read_span(payload: JsonObject, at_ms: int | None, found: _Found) -> bool:
    """Place a span by the payload's times; that of the event means something else on each SDK."""
    started_ms = _believed(timestamps.read_ms(payload.get("startTimestamp")), found) or at_ms
    if started_ms is None:
        return False
    ended_ms = timestamps.read_ms(payload.get("endTimestamp"))
    data = jsonish.mapping(payload, "data")
    found.spans.append(
        NetworkSpan(
            at_ms=started_ms,
            ended_ms=None if ended_ms is None or ended_ms < started_ms else ended_ms,
            op=jsonish.text(payload, "op", limit=_NAME_CHARS) or "",
            url=jsonish.text(payload, "description"),
            method=jsonish.text(data, "method", limit=_NAME_CHARS),
            status=jsonish.integer(
                data, "statusCode", lowest=_LOWEST_STATUS, highest=_HIGHEST_STATUS
            ),
            request_bytes=_body_bytes(data, "request"),
            response_bytes=_body_bytes(data, "response"),
            data=data,
        )
    )
    return True


def _body_bytes(data: JsonObject, side: str) -> int | None:
    """Return the size of a request's or response's body, from either place that tells it."""
    size_bytes = _count(data, f"{side}BodySize")
    return _count(jsonish.mapping(data, side), "size") if size_bytes is None else size_bytes


def _count(data: JsonObject, key: str) -> int | None:
    return jsonish.integer(data, key, lowest=0, highest=_MOST)


def _read_touch(data: JsonObject, at_ms: int, found: _Found) -> bool:
    pointer_id = jsonish.integer(data, "pointerId", lowest=0, highest=_MOST) or 0
    if data.get("source") == _TOUCH_MOVE:
        moves = _moves(data, at_ms, pointer_id)
        found.touches.extend(moves)
        found.move_batches += 1 if moves else 0
        return bool(moves)
    kind = _TOUCH_KINDS.get(jsonish.integer(data, "type") or 0)
    point = _point(data)
    if data.get("source") != _INTERACTION or kind is None or point is None:
        return False
    found.touches.append(Touch(at_ms, kind, pointer_id, *point))
    return True


def _moves(data: JsonObject, at_ms: int, pointer_id: int) -> list[Touch]:
    """Expand one move event: each position lies `timeOffset` ms (at most 0) from the event."""
    moves = []
    for position in jsonish.sequence(data, "positions"):
        point = _point(position) if isinstance(position, dict) else None
        if point is not None:
            offset = jsonish.number(position, "timeOffset") or 0.0
            if abs(offset) <= _LONGEST_OFFSET_MS:
                moves.append(Touch(at_ms + round(offset), "move", pointer_id, *point))
    return moves


def _point(data: JsonObject) -> tuple[float, float] | None:
    x, y = jsonish.number(data, "x"), jsonish.number(data, "y")
    return None if x is None or y is None else (x, y)
