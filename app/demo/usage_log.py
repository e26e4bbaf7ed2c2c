"""The log of everything that happens while the made-up app is used, from launch to crash.

Times are milliseconds since the replay began.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from app.demo.drawing.ui import Box
from app.demo.shop import Customer, Product
from app.formats.jsonish import JsonObject


@dataclass(frozen=True, slots=True)
class ScreenState:
    """The screen of a phone from `at_ms` on; each screen uses the fields that concern it."""

    at_ms: int
    person: Customer
    screen: Literal["splash", "home", "product", "gallery", "bag", "checkout"] = "splash"
    is_wide: bool = False
    battery_percent: int = 77
    network: Literal["wifi", "cellular"] = "wifi"
    pressed: Box | None = None
    is_loading: bool = False
    scroll_px: int = 0
    chip: str = "All"
    pot_size: str = "M"
    photo: int = 0
    bag: tuple[Product, ...] = ()
    toast: str = ""
    typed: tuple[str, ...] = ("", "", "", "")
    focus: str = ""
    spinner_turn: int | None = None
    progress: str = "Processing payment"
    has_failed: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the video."""
        return (912, 416) if self.is_wide else (416, 912)


class AppBreadcrumb(NamedTuple):
    """One breadcrumb; `payload` is that of the SDK's recording, without its time."""

    at_ms: int
    payload: JsonObject


class TouchEvent(NamedTuple):
    """A finger touches the screen, leaves it, or has moved along `path` (offset_ms ≤ 0, x, y)."""

    at_ms: int
    kind: Literal["start", "end", "move"]
    path: tuple[tuple[int, float, float], ...]


class AppRequest(NamedTuple):
    """One HTTP request of the app; requests for pictures have no route in the backend."""

    started_ms: int
    ended_ms: int
    method: str
    url: str
    route: str
    status: int
    span_id: str
    sent: JsonObject | None
    sent_bytes: int
    got: JsonObject | None
    got_bytes: int

    @property
    def has_failed(self) -> bool:
        return self.status >= 500  # noqa: PLR2004 - HTTP's own border


@dataclass(slots=True)
class DemoScreenVisit:
    """One screen while it is open: one `ui.load` transaction with a trace of its own."""

    activity: str
    trace_id: str
    span_id: str
    started_ms: int
    ended_ms: int = 0
    requests: list[AppRequest] = field(default_factory=list)


@dataclass(slots=True)
class UsageLog:
    """Everything from launch to crash; `problems` are errors with their time and screen."""

    states: list[ScreenState]
    crumbs: list[AppBreadcrumb] = field(default_factory=list)
    touches: list[TouchEvent] = field(default_factory=list)
    visits: list[DemoScreenVisit] = field(default_factory=list)
    problems: list[tuple[int, DemoScreenVisit]] = field(default_factory=list)
    turned_at_ms: list[int] = field(default_factory=list)
    away_ms: list[tuple[int, int]] = field(default_factory=list)
    ended_ms: int = 0

    def state_at(self, at_ms: int) -> ScreenState:
        """Return what the phone shows at a moment."""
        return self.states[bisect_right(self.states, at_ms, key=lambda state: state.at_ms) - 1]

    def visit_at(self, at_ms: int) -> DemoScreenVisit:
        """Return the screen that is open at a moment."""
        return self.visits[bisect_right(self.visits, at_ms, key=lambda v: v.started_ms) - 1]

    def requests(self) -> list[AppRequest]:
        """Return the requests of all screens."""
        return [request for visit in self.visits for request in visit.requests]
