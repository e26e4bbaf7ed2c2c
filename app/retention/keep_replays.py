"""Pins replays, and puts them under legal hold, for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PersonId
from app.db.engine import Database
from app.memberships import queries as memberships
from app.memberships.model import ProjectAccess, Role
from app.replays import queries as replays
from app.replays.keeping import holds, pins
from app.replays.keeping.model import ReplayHold
from app.replays.model import Replay, ReplayKey

MOST_HOLD_YEARS: Final = 10
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReplayHolds:
    """A replay with the holds that count now."""

    replay: Replay
    holds: tuple[ReplayHold, ...]
    names: Mapping[PersonId, str]
    """Names of the people who set them; those who have left are left out."""


async def read_holds(database: Database, key: ReplayKey) -> ReplayHolds:
    """Read the legal holds of a replay.

    Raises:
        NotFound: There is no such replay.
    """
    async with database.reading() as connection:
        replay = await replays.find_replay(connection, key)
        if replay is None:
            raise NotFound("no such replay")
        held = (await holds.find_holds(connection, [key])).get(key, ())
        people = {hold.held_by for hold in held if hold.held_by is not None}
        return ReplayHolds(
            replay, held, await accounts.read_person_names(connection, sorted(people))
        )


async def pin_replays(
    database: Database, person: Person, keys: Sequence[ReplayKey], *, is_pinned: bool
) -> int:
    """Pin replays, or remove their pins.

    Returns:
        The number of replays that are pinned now, or whose pins were to be removed.

    Raises:
        NotFound: One is in a project where the person may not do this.
    """
    async with database.transaction() as connection:
        await _check_role(connection, person, keys, Role.MEMBER)
        if is_pinned:
            done = await pins.pin_replays(connection, keys, person_id=person.id)
        else:
            await pins.unpin_replays(connection, keys)
            done = list(keys)
        action = Action.REPLAY_PINNED if is_pinned else Action.REPLAY_UNPINNED
        await _add_audit_lines(connection, person, action, done, {})
    return len(done)


async def hold_replays(
    database: Database,
    person: Person,
    keys: Sequence[ReplayKey],
    *,
    name: str,
    reason: str,
    until: str,
) -> int:
    """Put replays under a legal hold, and return the number of replays that exist and are held.

    Args:
        database: The database.
        person: The person who does it.
        keys: The replays.
        name: The name of the matter; a hold of the same name is renewed.
        reason: Why they must stay.
        until: The last day of the hold, such as `2027-06-30` (UTC).

    Raises:
        InvalidInput: A field cannot be used.
        NotFound: One is in a project where the person may not do this, or all are deleted.
    """
    expires_at = read_hold_end(until)
    async with database.transaction() as connection:
        await _check_role(connection, person, keys, Role.ADMIN)
        held = await holds.add_hold(
            connection, keys, name=name, reason=reason, expires_at=expires_at, person_id=person.id
        )
        if not held:
            raise NotFound("all of these replays are deleted already")
        detail = {"name": name.strip(), "until": f"{expires_at:%Y-%m-%d %H:%M} UTC"}
        await _add_audit_lines(connection, person, Action.HOLD_SET, held, detail)
    return len(held)


async def release_hold(
    database: Database, access: ProjectAccess, key: ReplayKey, name: str
) -> None:
    """End a legal hold of a replay.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        NotFound: There is no hold of this name.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        if not await holds.release_hold(connection, key, name):
            raise NotFound("there is no such hold")
        await _add_audit_lines(
            connection, access.person, Action.HOLD_RELEASED, [key], {"name": name.strip()}
        )


def read_hold_end(typed: str) -> datetime:
    """Read the last day of a hold, and return the moment after it.

    Raises:
        InvalidInput: It is no day, it is over, or it is more than ten years away.
    """
    today = clock.now().astimezone(UTC).date()
    try:
        last_day = date.fromisoformat(typed.strip())
    except ValueError as error:
        raise InvalidInput("the last day of a hold is a date such as 2027-06-30") from error
    if last_day < today:
        raise InvalidInput("the last day of a hold is today or later")
    if last_day > today + timedelta(days=366 * MOST_HOLD_YEARS):
        raise InvalidInput(f"a hold lasts {MOST_HOLD_YEARS} years at most; it can be renewed")
    return datetime.combine(last_day + _ONE_DAY, time(), UTC)


async def _check_role(
    connection: AsyncConnection, person: Person, keys: Sequence[ReplayKey], role: Role
) -> None:
    project_ids = {key.project_id for key in keys}
    await memberships.check_role_in(connection, person, project_ids, role=role)


async def _add_audit_lines(
    connection: AsyncConnection,
    person: Person,
    action: Action,
    keys: Sequence[ReplayKey],
    detail: ActionDetail,
) -> None:
    """Add a line for each replay: the log can be searched by the id of one of them."""
    replays_of_project = Counter(key.project_id for key in keys)
    for key in sorted(keys):
        together = replays_of_project[key.project_id]
        await audit.add_audit_line(
            connection,
            action,
            person_id=person.id,
            project_id=key.project_id,
            subject=key.replay_id,
            detail={**detail, **({"replays": together} if together > 1 else {})},
        )
