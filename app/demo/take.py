"""What the recorder notes while the made-up app is used, before it becomes segments.

All times are milliseconds since the replay began.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

from app.demo.hierarchy import Box
from app.demo.screens import Scene
from app.formats.jsonish import JsonObject


@dataclass(frozen=True, slots=True)
class Shot:
    """What is on the screen from `at_ms` on."""

    at_ms: int
    scene: Scene
    is_wide: bool
    battery_percent: int
    network: str
    pressed: Box | None = None


@dataclass(frozen=True, slots=True)
class Crumb:
    """One breadcrumb, in the words of the SDK's recording."""

    at_ms: int
    category: str
    message: str | None = None
    level: str | None = None
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Touch:
    """A finger comes down, goes up, or has moved along `path` (offset_ms ≤ 0, x, y)."""

    at_ms: int
    kind: Literal["start", "end", "move"]
    path: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request of the app; bodies are kept for those the app lets the SDK look into."""

    started_ms: int
    ended_ms: int
    method: str
    url: str
    route: str
    status: int
    span_id: str
    sent_bytes: int
    got_bytes: int
    sent: JsonObject | None = None
    got: JsonObject | None = None


@dataclass(slots=True)
class Visit:
    """One screen from coming to going: one `ui.load` transaction on a trace of its own."""

    activity: str
    trace_id: str
    span_id: str
    started_ms: int
    ended_ms: int = 0
    requests: list[Request] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Problem:
    """An error that the app noticed or died of; `name` is looked up in `problems`."""

    at_ms: int
    name: str
    visit: Visit


@dataclass(slots=True)
class Take:
    """Everything noted from launch to crash."""

    shots: list[Shot] = field(default_factory=list)
    crumbs: list[Crumb] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    turned_at_ms: list[int] = field(default_factory=list)
    away_ms: list[tuple[int, int]] = field(default_factory=list)
    ended_ms: int = 0

    def shot_at(self, at_ms: int) -> Shot:
        """Return what is on the screen at a moment."""
        return self.shots[bisect_right(self.shots, at_ms, key=lambda shot: shot.at_ms) - 1]

    def visit_at(self, at_ms: int) -> Visit:
        """Return the screen that is open at a moment."""
        return self.visits[bisect_right(self.visits, at_ms, key=lambda v: v.started_ms) - 1]
