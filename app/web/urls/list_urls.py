"""Addresses of the lists of replays, issues and feedback, and of the search for what is missing."""

from typing import Final

from app.core.ids import EventId, ProjectId, ReplayId
from app.replays.search import query_language
from app.web.urls.query import with_query

REPLAYS: Final = "/replays"
NEW_REPLAYS: Final = "/replays/new"
"""Names, as JSON, the replays that were received since a list was opened."""
SELECTED: Final = "/replays/selected"
"""POST marks the selected replays as seen."""
DELETE_SELECTED: Final = "/replays/selected/delete"
PIN_SELECTED: Final = "/replays/selected/pin"
HOLD_SELECTED: Final = "/replays/selected/hold"
"""POST asks for name, reason and last day of a legal hold, and sets it once they are sent."""
ISSUES: Final = "/issues"
FEEDBACK: Final = "/feedback"
WHY: Final = "/why"
"""Why is there no replay?"""


def replays(project_id: ProjectId | None = None, **query: str) -> str:
    """Return the address of the list of replays, with filters; empty ones are left out."""
    return with_query(REPLAYS, {"project": str(project_id or ""), **query})


def awaited_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the list that waits for a replay and then leads to it."""
    return with_query(REPLAYS, {"awaited": f"{project_id}/{replay_id}"})


def new_replays(project_id: ProjectId | None, *, query: str, since: str) -> str:
    """Return the address at which a list asks for replays that are newer than a place in it."""
    pairs = {"project": str(project_id or ""), "query": query, "since": since}
    return with_query(NEW_REPLAYS, pairs)


def issues(**query: str) -> str:
    """Return the address of the list of issues, with filters; empty ones are left out."""
    return with_query(ISSUES, query)


def feedback(**query: str) -> str:
    """Return the address of the list of feedback, with filters; empty ones are left out."""
    return with_query(FEEDBACK, query)


def why(item_id: ReplayId | EventId) -> str:
    """Return the address of the page that says why there is no replay of an id."""
    return with_query(WHY, {"id": item_id})


def why_project(project_id: ProjectId) -> str:
    """Return the address of the page that says which replay data a project lost."""
    return with_query(WHY, {"project": str(project_id)})


def filtered_by(key: str, value: str) -> str:
    """Return the address of the list of all replays with a value."""
    return replays(query=query_language.write_query(query_language.exact_term(key, value)))
