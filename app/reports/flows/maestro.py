"""Writes steps as a flow of Maestro, for Android and iOS.

Source: docs.maestro.dev, Commands and Selectors: a text or id is a regular expression for the whole
value, an Android id may leave out its package, and points are percents of the screen.
"""

from collections.abc import Iterator
from typing import Final

from app.reports.flows import literals
from app.reports.flows.model import FindsBy, FlowFacts, choose_way, list_remarks
from app.reports.steps.model import AppStep, HiddenTapsStep, ReproSteps, ScreenPlace, TouchStep
from app.reports.steps.wording import StepGroup, describe_step, group_steps

_WAY_WORDS: Final = {"up": "UP", "down": "DOWN", "left": "LEFT", "right": "RIGHT"}
_CHANGES: Final = {
    "opened": "- launchApp",
    "left": "- pressKey: Home",
    "returned": "- launchApp:\n    stopApp: false",
    "landscape": "- setOrientation: LANDSCAPE_LEFT",
    "portrait": "- setOrientation: PORTRAIT",
    "offline": "- setAirplaneMode: enabled",
    "online": "- setAirplaneMode: disabled",
}


def write_maestro_flow(steps: ReproSteps, facts: FlowFacts) -> str:
    """Write a flow of Maestro as YAML."""
    return "\n".join(_iterate_lines(steps, facts)) + "\n"


def _iterate_lines(steps: ReproSteps, facts: FlowFacts) -> Iterator[str]:
    for remark in list_remarks(steps, facts):
        yield literals.write_comment("#", remark)
    app_id = literals.read_app_id(facts.app_id)
    if app_id is None:
        yield "# The recording does not name the app: fill in its id."
    yield f'appId: "{app_id or "com.example.app"}"'
    yield "---"
    groups = group_steps(steps)
    first = groups[0].action if groups else None
    if not (isinstance(first, AppStep) and first.change == "opened"):
        yield "- launchApp"
    for group in groups:
        yield from _write_group(group, is_android=steps.platform != "ios")


def _write_group(group: StepGroup, *, is_android: bool) -> Iterator[str]:
    action = group.action
    if action is not None:
        yield literals.write_comment("#", f"{group.number}. {describe_step(action)}.")
    match action:
        case TouchStep():
            yield from _write_touch(action)
        case AppStep(change=change):
            command = _CHANGES.get(change, "")
            # iOS has no airplane mode that a test can switch.
            can_run = is_android or not command.startswith("- setAirplaneMode")
            yield command if can_run else f"# {command[2:]} (Android only: do it by hand)"
        case HiddenTapsStep():
            yield "# Fill in what is tapped here: a privacy rule hides it."
        case _:
            pass
    for result in group.results:
        yield literals.write_comment("#", f"   Then: {describe_step(result)}.")


def _write_touch(step: TouchStep) -> Iterator[str]:
    if step.fingers > 1:
        yield f"# Maestro has no gesture of {step.fingers} fingers: do it by hand."
    elif step.kind in {"swipe", "scroll"}:
        yield from _write_swipe(step)
    elif step.kind == "type":
        yield from _write_tap(step, "tapOn")
        yield _typing_line()
    else:
        yield from _write_tap(step, "longPressOn" if step.kind == "press" else "tapOn")
        if step.target is not None and step.target.takes_text:
            yield _typing_line()


def _typing_line() -> str:
    return '# - inputText: "…"   (what was typed is not recorded)'


def _write_tap(step: TouchStep, command: str) -> Iterator[str]:
    selector = _write_selector(step)
    if selector is None:
        yield f"# - {command}: fill in what is touched; neither a name nor a place was recorded"
        return
    yield f"- {command}:"
    yield f"    {selector}"
    if step.times > 1:
        yield f"    repeat: {step.times}"


def _write_selector(step: TouchStep) -> str | None:
    match choose_way(step.target, has_place=step.place is not None):
        case FindsBy.ID if step.target is not None and step.target.view_id:
            return f"id: {literals.write_yaml_regex(step.target.view_id)}"
        case FindsBy.TEXT if step.target is not None and step.target.text:
            return f"text: {literals.write_yaml_regex(step.target.text)}"
        case _ if step.place is not None:
            return f'point: "{_write_point(step.place)}"'
        case _:
            return None


def _write_swipe(step: TouchStep) -> Iterator[str]:
    if step.place is not None and step.end_place is not None:
        commands = [
            "- swipe:",
            f'    start: "{_write_point(step.place)}"',
            f'    end: "{_write_point(step.end_place)}"',
        ]
    elif step.direction is not None:
        commands = ["- swipe:", f"    direction: {_WAY_WORDS[step.direction]}"]
    else:
        yield "# - swipe: fill in the direction, which was not recorded"
        return
    if step.times == 1:
        yield from commands
        return
    yield "- repeat:"
    yield f"    times: {step.times}"
    yield "    commands:"
    yield from (f"      {line}" for line in commands)


def _write_point(place: ScreenPlace) -> str:
    return f"{place.across:.0f}%,{place.down:.0f}%"
