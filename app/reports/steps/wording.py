"""Puts steps into sentences, in plain text or, with another way to quote, in Markdown.

Starts on CatalogActivity.
1. [0:03] Tap “btn_pay” on CheckoutActivity.
     [0:04] POST /payments answers 500 after 2.2 s.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, assert_never

from app.core import units
from app.reports.plain_text import quote_text
from app.reports.steps.model import (
    AppStep,
    HiddenTapsStep,
    NoteStep,
    ProblemStep,
    ReproSteps,
    RequestStep,
    ScreenPlace,
    ScreenStep,
    Step,
    TouchStep,
    is_action,
)

Quote = Callable[[str], str]
"""Quotes a recorded text."""

_VERBS: Final = {
    "tap": "Tap",
    "click": "Click",
    "press": "Long press",
    "swipe": "Swipe",
    "scroll": "Scroll",
    "type": "Type into",
}
_CHANGES: Final = {
    "opened": "Open the app",
    "left": "Leave the app, so that it goes to the background",
    "returned": "Come back to the app",
    "landscape": "Turn the phone to landscape",
    "portrait": "Turn the phone to portrait",
    "offline": "Take the phone offline",
    "online": "Bring the phone online",
    "low_memory": "The system says that memory is low",
}
_CONNECTIONS: Final = {"wifi": "Wi-Fi", "cellular": "mobile data", "ethernet": "a cable"}
_PROBLEMS: Final = {
    ("crash", "app"): "The app crashes",
    ("hang", "app"): "The app does not respond",
    ("error", "app"): "The app reports an error",
    ("message", "app"): "The app reports",
    ("crash", "backend"): "The backend crashes",
    ("hang", "backend"): "The backend does not respond",
    ("error", "backend"): "The backend reports an error",
    ("message", "backend"): "The backend reports",
}
_TITLE_CHARS: Final = 200
_TWICE: Final = 2


@dataclass(frozen=True, slots=True)
class StepGroup:
    """Something to do, and what is seen after it; the first group may have nothing to do."""

    number: int
    """The number of the action, from 1; 0 if there is none."""
    action: Step | None
    results: tuple[Step, ...]


def group_steps(steps: ReproSteps) -> tuple[StepGroup, ...]:
    """Group steps by what somebody who follows them has to do."""
    groups: list[tuple[Step | None, list[Step]]] = []
    for step in steps.steps:
        if is_action(step):
            groups.append((step, []))
        elif groups:
            groups[-1][1].append(step)
        else:
            groups.append((None, [step]))
    has_lead = bool(groups) and groups[0][0] is None
    return tuple(
        StepGroup(number, action, tuple(results))
        for number, (action, results) in enumerate(groups, 0 if has_lead else 1)
    )


def describe_step(step: Step, quote: Quote = quote_text) -> str:
    """Describe a step in a sentence without its full stop.

    Args:
        step: The step.
        quote: Quotes recorded texts, `“Pay now”` unless something else is asked for.
    """
    match step:
        case TouchStep():
            sentence = _describe_touch(step, quote)
        case ScreenStep():
            sentence = f"{quote(step.name)} appears"
        case AppStep():
            sentence = _describe_change(step, quote)
        case RequestStep():
            sentence = _describe_request(step, quote)
        case ProblemStep():
            title, text = quote(step.title), f", {quote(step.text)}" if step.text else ""
            what = _PROBLEMS[step.kind, step.side]
            sentence = f"{what}: {title}{text}{count_times(step.times)}"
        case HiddenTapsStep():
            taps = "a tap" if step.taps == 1 else f"{step.taps:,} taps"
            sentence = f"Here {taps} that a privacy rule hides"
        case NoteStep():
            sentence = f"The app notes {quote(step.text)} ({quote(step.category)})"
        case _:
            assert_never(step)
    return sentence


def describe_start(steps: ReproSteps, quote: Quote = quote_text) -> str | None:
    """Say in a sentence where the steps begin; None if the first step says it."""
    if steps.earlier:
        where = f", on {quote(steps.start_screen)}" if steps.start_screen else ""
        return f"{steps.earlier:,} earlier steps are left out. The steps begin after them{where}."
    if steps.start_screen:
        return f"Starts on {quote(steps.start_screen)}."
    return None


def write_steps(steps: ReproSteps) -> str:
    """Write steps as plain text, for any field that takes no markup."""
    return "\n".join(_iterate_lines(steps))


def _iterate_lines(steps: ReproSteps) -> Iterator[str]:
    start = describe_start(steps)
    if start is not None:
        yield start
    groups = group_steps(steps)
    width = len(str(groups[-1].number)) if groups else 1
    for group in groups:
        if group.action is not None:
            yield f"{group.number:>{width}}. {_write_line(group.action)}"
        for result in group.results:
            yield f"{' ' * (width + 4)}{_write_line(result)}"
    if not groups:
        yield "The recording notes no touches, screens, failed requests or errors here."
    if steps.is_cut:
        yield "Later parts of the recording are not read, so steps may be missing at the end."


def _write_line(step: Step) -> str:
    return f"[{units.format_clock(step.at_ms)}] {describe_step(step)}."


def _describe_touch(step: TouchStep, quote: Quote) -> str:
    is_way = step.kind in {"swipe", "scroll"}
    # The first of several fingers says nothing of whether they pinch, spread or turn.
    words = [f"Move {step.fingers} fingers" if is_way and step.fingers > 1 else _VERBS[step.kind]]
    if is_way and step.direction and step.fingers == 1:
        words.append(step.direction)
    target = _describe_target(step, quote)
    if target:
        words.append(f"on {target}" if is_way and not target.startswith("at ") else target)
    if not is_way and step.fingers > 1:
        words.append(f"with {step.fingers} fingers")
    if step.screen and not _is_named(step.screen, step):
        words.append(f"on {quote(step.screen)}" if not is_way else f"({quote(step.screen)})")
    if step.times > 1:
        words.append("twice" if step.times == _TWICE else f"{step.times:,} times")
    sentence = " ".join(words)
    if step.kind != "type" and step.target is not None and step.target.takes_text:
        sentence += " and type (what was typed is not recorded)"
    elif step.kind == "type":
        sentence += " (what was typed is not recorded)"
    return f"{sentence}; nothing happens" if step.is_dead else sentence


def _describe_target(step: TouchStep, quote: Quote) -> str:
    """Name what is touched: by its name, or by its class and place, or by its place alone."""
    target = step.target
    if target is not None and target.name:
        if target.name == target.action:
            of_class = f"the {quote(target.view_class)} " if target.view_class else ""
            return f"{of_class}that calls {quote(target.name)}{_write_place(step.place, ', ')}"
        return quote(target.name)
    place = _write_place(step.place, "")
    if target is not None and target.view_class:
        name = f"the {quote(target.view_class)}"
        return f"{name} {place}" if place else name
    return place


def _write_place(place: ScreenPlace | None, before: str) -> str:
    if place is None:
        return ""
    return f"{before}at {place.across:.0f} % across and {place.down:.0f} % down"


def _is_named(screen: str, step: TouchStep) -> bool:
    return step.target is not None and step.target.name == screen


def _describe_change(step: AppStep, quote: Quote) -> str:
    words = _CHANGES[step.change]
    if step.change == "online" and step.detail:
        detail = _CONNECTIONS.get(step.detail)
        words += f", by {detail}" if detail else f", by {quote(step.detail)}"
    return words


def _describe_request(step: RequestStep, quote: Quote) -> str:
    took = "" if step.took_ms is None else f" after {units.format_duration(step.took_ms)}"
    answer = f"answers {step.status}{took}" if step.status else f"gets no answer{took}"
    if step.status is None and not step.has_failed:
        answer = "is sent"
    return f"{quote(f'{step.method} {step.path}')} {answer}{count_times(step.times)}"


def count_times(times: int) -> str:
    """Say how often something happened in a row; nothing if it was once."""
    if times == 1:
        return ""
    return ", twice" if times == _TWICE else f", {times:,} times"
