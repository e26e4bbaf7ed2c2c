"""Counts what the erasure of a person would remove, before anybody confirms it.

The preview reads the same records as the erasure. Its time is limited, and a count that ran out of
time says so. It also finds other names of the person, and whether other people have them too.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import ColumnElement, and_, not_, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.ids import ProjectId, ReplayId
from app.db import record_scans
from app.erasure.jobs.hide import write_user_names
from app.erasure.people import records
from app.erasure.people.names import USER_KINDS, NameKind, NameMatcher, PersonName
from app.replays.deletion import erase_scopes
from app.replays.keeping import holds
from app.replays.model import ReplayKey

_BUDGET_S: Final = 3.0
_RECORDS: Final = 500
_MOST_REPLAYS: Final = 10_000
_USERS_READ: Final = 200
_MOST_ALIASES: Final = 20


@dataclass(frozen=True, slots=True)
class OtherName:
    """Another name of the person, found in their records."""

    name: PersonName
    is_shared: bool
    """True if replays of other people have it too, such as the IP address of an office."""


@dataclass(slots=True)
class PersonPreview:
    """Counts of what the erasure of a person would remove from one project."""

    counts: Counter[str] = field(default_factory=Counter)
    held: int = 0
    is_complete: bool = True
    """False if there was too much to look at all of it now."""
    users: list[dict[str, str]] = field(default_factory=list)
    """The users that records of the person name."""


async def preview_person(
    connection: AsyncConnection,
    project_id: ProjectId,
    names: list[PersonName],
    *,
    budget_s: float | None = _BUDGET_S,
) -> PersonPreview:
    """Count the records that name a person in one project.

    Args:
        connection: The connection to read with.
        project_id: The project.
        names: The names of the person.
        budget_s: The time after which counting ends early, in seconds; None to count everything.
    """
    preview = PersonPreview()
    keys = await _find_replays(connection, project_id, names, preview)
    matcher = NameMatcher(names)
    test = records.make_person_test(matcher)
    deadline_s = math.inf if budget_s is None else clock.monotonic_s() + budget_s
    named: set[ReplayId] = set()
    replay_ids = {key.replay_id for key in keys}
    for source in records.SOURCES:
        cursor: record_scans.ScanCursor | None = None
        while True:
            part = await record_scans.read_records(
                connection, source, project_id, after=cursor, limit=_RECORDS
            )
            for record in await records.choose_records(
                source,
                part.records,
                lambda source, record: record.replay_id in replay_ids or test(source, record),
            ):
                preview.counts[records.COUNTED_AS[source.name]] += record.quantity
                if record.user:
                    preview.users.append(dict(record.user))
                if record.replay_id and records.is_of_user(matcher, source, record):
                    named.add(record.replay_id)
            cursor = part.cursor
            if cursor is None:
                break
            if clock.monotonic_s() > deadline_s:
                preview.is_complete = False
                break
    keys |= {ReplayKey(project_id, replay_id) for replay_id in named}
    ordered = sorted(keys)
    replays, segments, size_bytes = await erase_scopes.sum_replays(connection, ordered)
    preview.counts.update({"replays": replays, "segments": segments, "video_bytes": size_bytes})
    preview.held = len(await holds.find_holds(connection, ordered))
    return preview


async def find_other_names(
    connection: AsyncConnection,
    project_id: ProjectId,
    names: list[PersonName],
    users: list[dict[str, str]],
) -> list[OtherName]:
    """Return the names of users in a person's records that nobody asked for, each name once."""
    known = {(name.kind, name.value.casefold()) for name in names}
    found: dict[tuple[NameKind, str], PersonName] = {}
    for user in users:
        for kind in USER_KINDS:
            value = user.get(kind.value)
            if value and (kind, value.casefold()) not in known:
                found.setdefault((kind, value.casefold()), PersonName(kind, value))
    others = [*found.values()][:_MOST_ALIASES]
    own = _is_of(names)
    return [
        OtherName(other, await _is_shared(connection, project_id, other, own)) for other in others
    ]


async def _is_shared(
    connection: AsyncConnection,
    project_id: ProjectId,
    other: PersonName,
    own: ColumnElement[bool] | None,
) -> bool:
    """Tell whether a replay has the other name and none of the person's own."""
    has_it = erase_scopes.is_of_user(write_user_names([other]))
    condition = has_it if own is None else and_(has_it, not_(own))
    return bool(await erase_scopes.list_replay_keys(connection, project_id, condition, limit=1))


async def _find_replays(
    connection: AsyncConnection,
    project_id: ProjectId,
    names: list[PersonName],
    preview: PersonPreview,
) -> set[ReplayKey]:
    condition = _is_of(names)
    if condition is None:
        return set()
    keys = await erase_scopes.list_replay_keys(
        connection, project_id, condition, limit=_MOST_REPLAYS
    )
    preview.is_complete = len(keys) < _MOST_REPLAYS
    preview.users += await erase_scopes.list_named_users(
        connection, project_id, condition, limit=_USERS_READ
    )
    return set(keys)


def _is_of(names: list[PersonName]) -> ColumnElement[bool] | None:
    written = write_user_names(names)
    if not written:
        return None
    return or_(erase_scopes.is_of_user(written), erase_scopes.has_user_folded(written))
