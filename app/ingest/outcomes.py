"""The keys under which outcomes are counted."""

from typing import Final

from app.core import clock
from app.core.ids import ProjectId
from app.projects.model import Outcome, OutcomeKey

UNTYPED: Final = "untyped"
"""The type of an item whose header names none."""


def outcome_key(
    project_id: ProjectId, item_type: str, outcome: Outcome, reason: str = ""
) -> OutcomeKey:
    """Name an outcome of today (UTC)."""
    return OutcomeKey(project_id, clock.now().date(), item_type, outcome, reason)
