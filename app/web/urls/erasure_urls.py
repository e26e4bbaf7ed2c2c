"""Addresses of erasures: what can be erased, the questions before it, progress and receipts."""

from typing import Final

from app.core.ids import ProjectId
from app.web.urls import project_urls
from app.web.urls.query import with_query

ERASURES: Final = "/erasures"
MATCHING: Final = "/replays/matching/delete"
"""GET asks, and POST deletes, all replays that a query of the list finds."""


def erasures(*, before: int | None = None) -> str:
    """Return the address of the list of erasures, from a given one on."""
    return with_query(ERASURES, {"before": str(before or "")})


def erasure(erasure_id: int, *, first_hold: int = 0) -> str:
    """Return the address of an erasure: its progress, and then its receipt."""
    return with_query(f"{ERASURES}/{erasure_id}", {"holds": str(first_hold or "")})


def receipt(erasure_id: int) -> str:
    """Return the address at which a receipt can be downloaded as JSON."""
    return f"{ERASURES}/{erasure_id}/receipt.json"


def project_erasures(project_id: ProjectId, *, before: int | None = None) -> str:
    """Return the address of the page on which data of a project is erased."""
    return with_query(f"{project_urls.project(project_id)}/erasures", {"before": str(before or "")})


def erase_person(project_id: ProjectId) -> str:
    """Return the address at which POST names a person, and `sure` erases them."""
    return f"{project_urls.project(project_id)}/erasures/person"


def erase_range(project_id: ProjectId) -> str:
    """Return the address at which POST names a range of time, and `sure` erases it."""
    return f"{project_urls.project(project_id)}/erasures/range"


def erase_project(project_id: ProjectId) -> str:
    """Return the address that asks before a project is erased; POST `name` erases it."""
    return f"{project_urls.project(project_id)}/erasures/project"


def matching(*, project: str, query: str) -> str:
    """Return the address that asks before all matching replays are deleted."""
    return with_query(MATCHING, {"project": project, "query": query})
