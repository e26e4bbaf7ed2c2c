"""Finds the conditions that phone and app were in, such as being offline, as spans of time.

    breadcrumbs ─ app.background … app.foreground      ─► in background
                ─ connectivity offline … online        ─► offline
                ─ battery at most 15 %, not charging   ─► low battery
                ─ orientation landscape … portrait     ─► landscape

Source: docs/protocol.md, section 5.4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.formats import jsonish
from app.formats.replay.activity import Breadcrumb

ConditionKind = Literal["background", "offline", "battery", "landscape"]

_LOW_PERCENT: Final = 15
_OFFLINE: Final = frozenset({"offline", "none"})
_TEXTS: Final[dict[ConditionKind, str]] = {
    "background": "in background",
    "offline": "offline",
    "battery": "low battery",
    "landscape": "landscape",
}


@dataclass(frozen=True, slots=True)
class DeviceCondition:
    """A condition of phone or app from its start to its end on the replay clock."""

    start_ms: int
    end_ms: int
    kind: ConditionKind
    text: str


def find_conditions(
    breadcrumbs: Sequence[Breadcrumb], *, zero_ms: int, duration_ms: int
) -> tuple[DeviceCondition, ...]:
    """Find the conditions of a replay.

    Args:
        breadcrumbs: The breadcrumbs of the replay, in time order.
        zero_ms: The replay's zero, in milliseconds since 1970.
        duration_ms: The length of the replay, at which open conditions end.

    Returns:
        The conditions in the order of their starts; those of one kind do not overlap.
    """
    open_since: dict[ConditionKind, int] = {}
    ended: list[DeviceCondition] = []

    def close(kind: ConditionKind, at_ms: int) -> None:
        start_ms = open_since.pop(kind, None)
        if start_ms is not None and at_ms > start_ms:
            ended.append(DeviceCondition(start_ms, at_ms, kind, _TEXTS[kind]))

    for crumb in breadcrumbs:
        at_ms = min(max(0, crumb.at_ms - zero_ms), duration_ms)
        for kind, is_begin in _read_condition_changes(crumb):
            if not is_begin:
                close(kind, at_ms)
            else:
                open_since.setdefault(kind, at_ms)
    for kind in list(open_since):
        close(kind, duration_ms)
    return tuple(sorted(ended, key=lambda condition: (condition.start_ms, condition.kind)))


def _read_condition_changes(crumb: Breadcrumb) -> Iterator[tuple[ConditionKind, bool]]:
    """Yield the conditions that a breadcrumb begins (True) or ends (False)."""
    match crumb.category:
        case "app.background" | "app.foreground":
            yield "background", crumb.category == "app.background"
        case "device.connectivity":
            state = jsonish.text(crumb.data, "state")
            yield "offline", state is not None and state.lower() in _OFFLINE
        case "device.battery":
            level = jsonish.number(crumb.data, "level")
            is_charging = jsonish.flag(crumb.data, "charging") or False
            if level is not None or is_charging:
                yield "battery", not is_charging and (level or 0) <= _LOW_PERCENT
        case "device.orientation":
            position = jsonish.text(crumb.data, "position") or ""
            yield "landscape", position.lower().startswith("landscape")
        case _:
            return
