"""The names of an event that its clear stack decides: its title, its place, and its issue."""

from dataclasses import dataclass

from app.core.ids import IssueId
from app.formats.events import event
from app.formats.jsonish import JsonObject
from app.issues.grouping import rules
from app.symbolication.model import SymbolicatedEvent


@dataclass(frozen=True, slots=True)
class ClearNames:
    """The title, the culprit and the issues of an event, read from its clear stack."""

    title: str
    culprit: str | None
    exception_type: str | None
    exception_value: str | None
    issue_ids: tuple[IssueId, ...]
    """Its issue by each version of the grouping rules, the newest first."""


def read_clear_names(sent: JsonObject, symbolicated: SymbolicatedEvent) -> ClearNames:
    """Name and group an event, by the same rules as one that was sent clear.

    Args:
        sent: The event as sent, or at least the members by which it is named and grouped.
        symbolicated: The members that symbolication changed.
    """
    clear = symbolicated.apply_to(sent)
    problem = event.read_problem(clear)
    return ClearNames(
        problem.title,
        problem.culprit,
        problem.exception_type,
        problem.exception_value,
        rules.read_issue_keys(clear),
    )
