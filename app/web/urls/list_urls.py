"""Addresses of the lists of replays, issues and feedback, and of the search for what is missing."""

from typing import Final
from urllib.parse import urlencode

from app.core.ids import EventId, ProjectId, ReplayId
from app.replays import query_language

REPLAYS: Final = "/replays"
NEW_REPLAYS: Final = "/replays/new"
"""Names, as JSON, the replays that have come since a list was opened."""
SELECTED: Final = "/replays/selected"
"""POST marks the selected replays as seen; below it lies their deletion."""
DELETE_SELECTED: Final = "/replays/selected/delete"
ISSUES: Final = "/issues"
FEEDBACK: Final = "/feedback"
WHY: Final = "/why"
"""Why is there no replay?"""


def replays(project_id: ProjectId | None = None, **query: str) -> str:
    """Return the list's address, with the given filters; empty values are left out."""
    pairs = {"project": str(project_id or ""), **query}
    text = urlencode({name: value for name, value in pairs.items() if value})
    return f"{REPLAYS}?{text}" if text else REPLAYS


def awaited_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the list that waits for one replay, and leads to it."""
    return f"{REPLAYS}?{urlencode({'awaited': f'{project_id}/{replay_id}'})}"


def new_replays(project_id: ProjectId | None, *, query: str, since: str) -> str:
    """Return where a list asks for the replays that have come since a place in it."""
    return f"{NEW_REPLAYS}{replays(project_id, query=query, since=since).removeprefix(REPLAYS)}"


def issues(**query: str) -> str:
    """Return the address of the list of issues, with the given filters; empty ones are left out."""
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{ISSUES}?{text}" if text else ISSUES


def feedback(**query: str) -> str:
    """Return the address of the list of feedback; empty filters are left out."""
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{FEEDBACK}?{text}" if text else FEEDBACK


def why(wanted: ReplayId | EventId) -> str:
    """Return the address that says why there is no replay of an id."""
    return f"{WHY}?id={wanted}"


def why_project(project_id: ProjectId) -> str:
    """Return the address that says what a project lost of its replays."""
    return f"{WHY}?project={project_id}"


def filtered_by(key: str, value: str) -> str:
    """Return the address of the list of all replays that hold one value."""
    return replays(query=query_language.write_query(query_language.exact_term(key, value)))
