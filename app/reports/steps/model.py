"""The steps of a recording: what the person did, and what the app did then.

Times are milliseconds on the player's clock. Texts are as recorded: whoever writes them down cleans
them (`plain_text.py`, `flows/literals.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.core.ids import EventId

TouchKind = Literal["tap", "click", "press", "swipe", "scroll", "type"]
"""A click is what a tap is in a browser."""
Direction = Literal["up", "down", "left", "right"]
AppChange = Literal[
    "opened", "left", "returned", "landscape", "portrait", "offline", "online", "low_memory"
]
ProblemKind = Literal["crash", "hang", "error", "message"]
Side = Literal["app", "backend"]
Platform = Literal["android", "ios", "browser", "unknown"]
CHANGING_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Requests that change something, so they are named also if they worked."""


@dataclass(frozen=True, slots=True)
class StepTarget:
    """The element that a finger touched, as the SDK names it; every member may be missing."""

    view_id: str | None = None
    """The resource name on Android (`btn_pay`), the accessibility identifier on iOS."""
    text: str | None = None
    """The text or label that a person sees or hears."""
    tag: str | None = None
    """Android's tag of the view, in Compose the test tag."""
    view_class: str | None = None
    """The last part of the class: `MaterialButton`, `UITableViewCell`, `Pressable`."""
    action: str | None = None
    """The method that an iOS control calls, which does not find the control again."""

    @property
    def name(self) -> str | None:
        """The name that tells a person most; None if only the class is known."""
        return self.text or self.view_id or self.tag or self.action

    @property
    def takes_text(self) -> bool:
        """True if it is a field, by its class."""
        view_class = (self.view_class or "").lower()
        return any(word in view_class for word in _FIELD_WORDS)


_FIELD_WORDS = ("edittext", "textfield", "textinput", "searchbar", "textarea", "uitextview")


@dataclass(frozen=True, slots=True)
class ScreenPlace:
    """A place on the screen, in percent of its width and height, from the upper left corner."""

    across: float
    down: float


@dataclass(frozen=True, slots=True)
class TouchStep:
    """Something that the person did with their fingers."""

    at_ms: int
    kind: TouchKind
    target: StepTarget | None
    place: ScreenPlace | None
    """The place where the first finger came down; None if no touch was recorded near the note."""
    end_place: ScreenPlace | None = None
    """The place where the finger left the screen, for swipes."""
    direction: Direction | None = None
    times: int = 1
    fingers: int = 1
    is_dead: bool = False
    """True if the app did not react, according to the SDK."""
    screen: str | None = None
    """The screen it happened on, if a name is known."""


@dataclass(frozen=True, slots=True)
class ScreenStep:
    """A screen of the app appeared."""

    at_ms: int
    name: str


@dataclass(frozen=True, slots=True)
class AppStep:
    """The app or the phone changed: the app left the screen, or the phone was turned."""

    at_ms: int
    change: AppChange
    detail: str | None = None
    """The kind of connection: `wifi`."""


@dataclass(frozen=True, slots=True)
class RequestStep:
    """A request that failed or that changed something."""

    at_ms: int
    method: str
    path: str
    status: int | None
    """The HTTP status; None if nobody answered, or the SDK does not say."""
    took_ms: int | None
    has_failed: bool
    times: int = 1


@dataclass(frozen=True, slots=True)
class ProblemStep:
    """A crash, a hang or an error, of the app or of a backend on its behalf."""

    at_ms: int
    kind: ProblemKind
    side: Side
    title: str
    text: str | None
    event_id: EventId | None = None
    """The first event, if it happened several times in a row."""
    times: int = 1


@dataclass(frozen=True, slots=True)
class HiddenTapsStep:
    """Taps that a privacy rule of the project hid before they were stored."""

    at_ms: int
    taps: int


@dataclass(frozen=True, slots=True)
class NoteStep:
    """Something that the app showed and noted itself: a dialog with its title."""

    at_ms: int
    category: str
    text: str


Step = TouchStep | ScreenStep | AppStep | RequestStep | ProblemStep | HiddenTapsStep | NoteStep


@dataclass(frozen=True, slots=True)
class ReproSteps:
    """The steps of a replay or of a range of it, in the order of time."""

    steps: tuple[Step, ...]
    platform: Platform
    start_screen: str | None
    """The screen that is open when the steps begin, if they do not begin with the app's start."""
    earlier: int = 0
    """Steps of the range that are left out before these, because there are too many."""
    is_cut: bool = False
    """True if recordings of the range were not read, so that steps after these may be missing."""


def is_action(step: Step) -> bool:
    """Tell whether somebody who follows the steps has to do something, and not only to watch."""
    match step:
        case TouchStep() | HiddenTapsStep():
            return True
        case AppStep(change=change):
            return change != "low_memory"
        case _:
            return False


def find_problem(steps: Sequence[Step]) -> ProblemStep | None:
    """Find the problem that the steps lead to: the last crash or hang, or else the last error."""
    problems = [step for step in steps if isinstance(step, ProblemStep)]
    grave = [problem for problem in problems if problem.kind in {"crash", "hang"}]
    errors = [problem for problem in problems if problem.kind == "error"]
    return next(iter([*reversed(grave), *reversed(errors), *reversed(problems)]), None)
