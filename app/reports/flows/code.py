"""Writes test flows in a programming language: a comment and calls for each step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.reports.flows import literals
from app.reports.steps.model import (
    AppStep,
    HiddenTapsStep,
    ReproSteps,
    ScreenPlace,
    Step,
    TouchStep,
)
from app.reports.steps.wording import describe_step, group_steps

_INDENT: Final = "        "


@dataclass(frozen=True, slots=True)
class FlowLanguage:
    """The lines of code by which a test framework acts on an app."""

    changes: Mapping[str, str]
    """The calls by the change of the app; `opened` is always one of them."""
    unknown_change: str
    """The line for any other change."""
    repeat: str
    """The line that repeats another one: a template with `times` and `line`."""
    write_touch: Callable[[TouchStep], Iterator[str]]
    """Writes the lines of a touch."""


def write_test_body(steps: ReproSteps, language: FlowLanguage) -> Iterator[str]:
    """Write the lines of the method that does the steps, which begins by opening the app."""
    groups = group_steps(steps)
    first = groups[0].action if groups else None
    if not (isinstance(first, AppStep) and first.change == "opened"):
        yield f"{_INDENT}{language.changes['opened']}"
    for group in groups:
        if group.action is not None:
            sentence = f"{group.number}. {describe_step(group.action)}."
            yield _INDENT + literals.write_comment("//", sentence)
            yield from (f"{_INDENT}{line}" for line in _write_action(group.action, language))
        for result in group.results:
            yield _INDENT + literals.write_comment("//", f"   Then: {describe_step(result)}.")


def write_numbers(place: ScreenPlace) -> str:
    """Write a place as two arguments, in percent of the screen."""
    return f"{place.across:.1f}, {place.down:.1f}"


def _write_action(step: Step, language: FlowLanguage) -> Iterator[str]:
    match step:
        case TouchStep():
            lines = list(language.write_touch(step))
            if step.times > 1 and not lines[0].startswith("//"):
                yield language.repeat.format(times=step.times, line=lines[0])
                yield from lines[1:]
            else:
                yield from lines
        case AppStep(change=change):
            yield language.changes.get(change, language.unknown_change)
        case HiddenTapsStep():
            yield "// Fill in what is tapped here: a privacy rule hides it."
        case _:
            return
