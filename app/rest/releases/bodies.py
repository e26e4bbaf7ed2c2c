"""Reads the bodies in which build tools speak of releases and deploys.

Source: `NewRelease`, `UpdatedRelease` and `Deploy` in sentry-cli 2.31, 2.58 and 3.8.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.errors import InvalidInput
from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.releases.model import Commit, ReleaseChange
from app.rest.access import read_release_name
from app.triage.build_releases import NewDeploy

_MOST_PROJECTS: Final = 100
_MOST_COMMITS: Final = 10_000
_NAME_CHARS: Final = 200
_URL_CHARS: Final = 2_000
_STATUSES: Final = {"open": False, "archived": True}


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A release to make or to change."""

    version: str
    projects: tuple[str, ...]
    """Slugs and numbers of projects; empty if the body names none."""
    change: ReleaseChange


def read_new_release(body: JsonObject) -> NewRelease:
    """Read the body that makes a release.

    Raises:
        InvalidInput: It has no version, or a value that cannot be used.
    """
    version = body.get("version")
    if not isinstance(version, str):
        raise InvalidInput("the body needs a `version`, the name of the release")
    return NewRelease(read_release_name(version), read_projects(body), read_change(body))


def read_projects(body: JsonObject) -> tuple[str, ...]:
    """Read the projects that a body names; a project of digits only comes as a number.

    Raises:
        InvalidInput: They are not a list of names, or too many.
    """
    values = body.get("projects")
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > _MOST_PROJECTS:
        raise InvalidInput(f"`projects` must be a list of at most {_MOST_PROJECTS} names")
    return tuple(_read_project(value) for value in values)


def read_change(body: JsonObject) -> ReleaseChange:
    """Read what a body says about a release.

    Raises:
        InvalidInput: A value cannot be used.
    """
    refs = [ref for ref in jsonish.sequence(body, "refs") if isinstance(ref, dict)]
    ref = _read_text(body, "ref", _NAME_CHARS)
    if ref is None and refs:
        ref = _read_text(refs[0], "commit", _NAME_CHARS)
    status = body.get("status")
    if status is not None and not (isinstance(status, str) and status in _STATUSES):
        raise InvalidInput("`status` must be `open` or `archived`")
    return ReleaseChange(
        started_at=_read_time(body, "dateStarted"),
        released_at=_read_time(body, "dateReleased"),
        url=_read_text(body, "url", _URL_CHARS),
        ref=ref,
        is_archived=None if status is None else _STATUSES[status],
        commits=_read_commits(body),
    )


def read_new_deploy(body: JsonObject) -> NewDeploy:
    """Read the body that adds a deploy.

    Raises:
        InvalidInput: It has no environment, or a value that cannot be used.
    """
    environment = _read_text(body, "environment", _NAME_CHARS)
    if not environment or not environment.isprintable():
        raise InvalidInput("the body needs an `environment`, such as `production`")
    return NewDeploy(
        environment=environment,
        name=_read_text(body, "name", _NAME_CHARS),
        url=_read_text(body, "url", _URL_CHARS),
        started_at=_read_time(body, "dateStarted"),
        finished_at=_read_time(body, "dateFinished"),
    )


def _read_project(value: object) -> str:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise InvalidInput("`projects` must be a list of slugs or numbers of projects")


def _read_commits(body: JsonObject) -> tuple[Commit, ...]:
    values = body.get("commits")
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > _MOST_COMMITS:
        raise InvalidInput(f"`commits` must be a list of at most {_MOST_COMMITS:,} commits")
    return tuple(_read_commit(value) for value in values)


def _read_commit(value: Any) -> Commit:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not value["id"]:
        raise InvalidInput("each of `commits` must be an object with an `id`")
    # The files of a commit (`patch_set`) are left out: nothing here reads them.
    return Commit(
        id=value["id"],
        repository=jsonish.text(value, "repository") or "",
        author_name=jsonish.text(value, "author_name") or "",
        author_email=jsonish.text(value, "author_email") or "",
        message=jsonish.text(value, "message") or "",
        at=jsonish.text(value, "timestamp") or "",
    )


def _read_text(body: JsonObject, key: str, limit: int) -> str | None:
    value = body.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > limit:
        raise InvalidInput(f"`{key}` must be a text of at most {limit:,} characters")
    return value


def _read_time(body: JsonObject, key: str) -> datetime | None:
    value = body.get(key)
    if value is None:
        return None
    moment = timestamps.read_at(value)
    if moment is None:
        raise InvalidInput(f"`{key}` must be a time such as 2026-01-31T12:00:00Z")
    return moment
