"""Erases what a project received in a range of time, or the whole project."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core import clock
from app.core.errors import InvalidInput
from app.db import record_scans
from app.db.engine import Database
from app.erasure.jobs.begin import ErasureWish, begin_erasures
from app.erasure.jobs.model import ErasureAct, ErasureKind
from app.erasure.jobs.scopes import KINDS_OF_RECORDS, ProjectScope, RangeScope
from app.erasure.people import records
from app.memberships import queries as memberships
from app.memberships.model import ProjectAccess, Role
from app.replays import erase_scopes
from app.replays.keeping import holds
from app.replays.model import ReplayKey

_BATCH: Final = 5_000


@dataclass(frozen=True, slots=True)
class RangeQuestion:
    """What an erasure would remove, for whoever confirms it."""

    counts: Counter[str]
    held: int
    members: int = 0


async def ask_about_range(
    database: Database, access: ProjectAccess, scope: RangeScope
) -> RangeQuestion:
    """Count what a project received in a range of time.

    Raises:
        PermissionDenied: The visitor is not an admin of the project.
        InvalidInput: The range is empty, or nothing is chosen.
    """
    access.require_role(Role.ADMIN)
    check_range(scope)
    return await _count(database, access, scope)


async def erase_range(database: Database, access: ProjectAccess, scope: RangeScope) -> ErasureAct:
    """Erase what a project received in a range of time.

    Raises:
        PermissionDenied: The visitor is not an admin of the project.
        InvalidInput: The range is empty, or nothing is chosen.
    """
    access.require_role(Role.ADMIN)
    check_range(scope)
    wish = ErasureWish(ErasureKind.RANGE, access.project.id, scope, access.person.id, clock.now())
    return await begin_erasures(database, [wish])


async def ask_about_project(database: Database, access: ProjectAccess) -> RangeQuestion:
    """Count what a project holds.

    Raises:
        PermissionDenied: The visitor is not an owner of the project.
    """
    access.require_role(Role.OWNER)
    everything = RangeScope(access.project.created_at.replace(year=1970), clock.now())
    return await _count(database, access, everything)


async def erase_project(database: Database, access: ProjectAccess, typed_name: str) -> ErasureAct:
    """Erase a whole project, with its members, keys and settings.

    Raises:
        PermissionDenied: The visitor is not an owner of the project.
        InvalidInput: What was typed is not the name of the project.
    """
    access.require_role(Role.OWNER)
    if typed_name.strip() != access.project.name.strip():
        raise InvalidInput(f"type the name of the project to delete it: {access.project.name}")
    wish = ErasureWish(
        ErasureKind.PROJECT, access.project.id, ProjectScope(), access.person.id, clock.now()
    )
    return await begin_erasures(database, [wish])


def make_range(since: datetime, until: datetime, kinds: Sequence[str]) -> RangeScope:
    """Make the scope of a range; kinds that do not exist are left out."""
    return RangeScope(since, until, tuple(kind for kind in KINDS_OF_RECORDS if kind in kinds))


def check_range(scope: RangeScope) -> None:
    """Make sure that a range can hold something.

    Raises:
        InvalidInput: It cannot.
    """
    if scope.since >= scope.until:
        raise InvalidInput("the range must end after it begins")
    if not scope.kinds:
        raise InvalidInput("choose at least one kind of data")


async def _count(database: Database, access: ProjectAccess, scope: RangeScope) -> RangeQuestion:
    project_id, counts = access.project.id, Counter[str]()
    held = 0
    async with database.reading() as connection:
        if "replays" in scope.kinds:
            within = erase_scopes.is_received_within(scope.since, scope.until)
            after: ReplayKey | None = None
            while keys := await erase_scopes.list_replay_keys(
                connection, project_id, within, after=after, limit=_BATCH
            ):
                after = keys[-1]
                replays, segments, size_bytes = await erase_scopes.sum_replays(connection, keys)
                counts.update({"replays": replays, "segments": segments, "video_bytes": size_bytes})
                held += len(await holds.find_holds(connection, keys))
        sources = {source for kind in scope.kinds for source in records.RECORD_KINDS[kind]}
        for source in records.SOURCES:
            if source in sources:
                condition = record_scans.is_received_between(source, scope.since, scope.until)
                counts[records.COUNTED_AS[source.name]] += await record_scans.count_records(
                    connection, source, project_id, condition=condition
                )
        members = await memberships.count_members(connection, project_id)
    return RangeQuestion(counts, held, members)
