"""The values that all flows share: their facts, the ways to find an element, and remarks."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.reports.steps.model import ReproSteps, StepTarget, TouchStep

FLUTTER: Final = "sentry.dart"
"""The beginning of the names of SDKs of apps that draw their own views."""


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """The facts of a recording that stand at the top of a flow; texts are as recorded."""

    recorded_on: str
    """Device, system and version of the app, in one line."""
    app_id: str | None
    sdk_name: str
    address: str
    """The address of the replay."""

    @property
    def is_flutter(self) -> bool:
        """True if the app draws its own views, which tests of the platform do not see."""
        return self.sdk_name.startswith(FLUTTER)


class FindsBy(StrEnum):
    """The ways in which a flow finds an element, the surest first."""

    ID = "id"
    TEXT = "text"
    PLACE = "position"
    NOTHING = "nothing"


def choose_way(target: StepTarget | None, *, has_place: bool, has_tags: bool = False) -> FindsBy:
    """Choose how a flow finds what is touched: by id, then by text, then by position.

    Args:
        target: The element that was touched, if the SDK names one.
        has_place: True if it is known where.
        has_tags: True if the flow can find a view by its tag, which then counts as its id.
    """
    if target is not None and (target.view_id or (has_tags and target.tag)):
        return FindsBy.ID
    if target is not None and target.text:
        return FindsBy.TEXT
    return FindsBy.PLACE if has_place else FindsBy.NOTHING


def list_remarks(steps: ReproSteps, facts: FlowFacts, *, has_tags: bool = False) -> list[str]:
    """List what whoever runs a flow has to know, each a sentence."""
    touches = [step for step in steps.steps if isinstance(step, TouchStep)]
    ways = [_way_of(step, has_tags=has_tags) for step in touches]
    remarks = [
        "A skeleton that Playhead made from a recording: read it before you run it.",
        f"Recorded on {facts.recorded_on}.",
        f"Replay: {facts.address}",
        _count_ways(ways),
    ]
    if FindsBy.ID in ways:
        remarks.append("Elements may share an id, as rows of a list do: check which one is meant.")
    if FindsBy.PLACE in ways:
        remarks.append("Positions hold for screens of the same shape only.")
    if any(step.kind == "type" or (step.target and step.target.takes_text) for step in touches):
        remarks.append("What was typed is not recorded: fill it in where a comment says so.")
    if steps.start_screen:
        remarks.append(f"The steps begin on the screen {steps.start_screen}: go there first.")
    if steps.earlier:
        remarks.append(f"{steps.earlier:,} earlier steps are left out.")
    if steps.is_cut:
        remarks.append("Later parts of the recording were not read.")
    return remarks


def _count_ways(ways: Sequence[FindsBy]) -> str:
    """Say how many touches are found in which way: `7 touches: 5 by id, 2 by position`."""
    if not ways:
        return "No touches were recorded here."
    counted = [
        f"{ways.count(way)} {'left for you to fill in' if way is FindsBy.NOTHING else f'by {way}'}"
        for way in FindsBy
        if way in ways
    ]
    noun = "touch" if len(ways) == 1 else "touches"
    return f"{len(ways)} {noun}: {', '.join(counted)}."


def _way_of(step: TouchStep, *, has_tags: bool) -> FindsBy:
    if step.kind in {"swipe", "scroll"}:
        # A swipe goes from place to place wherever these are known; its view is only its start.
        return (
            FindsBy.PLACE if step.end_place else FindsBy.ID if step.direction else FindsBy.NOTHING
        )
    return choose_way(step.target, has_place=step.place is not None, has_tags=has_tags)
