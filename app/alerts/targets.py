"""Reads and writes targets, and notes whether messages reach them."""

import base64
import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts.model import AlertTarget, TargetKind
from app.alerts.tables import alert_targets
from app.core import clock
from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId

MOST_TARGETS: Final = 30
"""The most targets of a project, and of the server."""
OLD_SECRET_FOR: Final = timedelta(days=1)
"""The time after a change of a secret for which messages are signed with both."""
_SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what Standard Webhooks puts before secrets

_columns: Final = alert_targets.c


def new_secret() -> str:
    """Make a secret that signs messages, as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


async def add_target(
    connection: AsyncConnection,
    project_id: ProjectId | None,
    kind: TargetKind,
    *,
    name: str,
    address: str,
    made_by: PersonId,
) -> AlertTarget:
    """Add a target."""
    rows = await connection.execute(
        insert(alert_targets)
        .values(
            project_id=project_id,
            kind=kind,
            name=name,
            address=address,
            secret=new_secret() if kind is TargetKind.WEBHOOK else None,
            made_by=made_by,
        )
        .returning(alert_targets)
    )
    return _read_target(rows.one())


async def change_target(
    connection: AsyncConnection, target: AlertTarget, *, name: str, address: str, is_on: bool
) -> None:
    """Change a target; a new address starts without the faults of the old one."""
    values: dict[str, Any] = {"name": name, "address": address, "is_on": is_on}
    if address != target.address or is_on != target.is_on:
        values |= {"failing_since": None, "fault": None}
    await connection.execute(update(alert_targets).where(_columns.id == target.id).values(**values))


async def replace_secret(connection: AsyncConnection, target: AlertTarget) -> None:
    """Give a target another secret; the one before is good for another day."""
    await connection.execute(
        update(alert_targets)
        .where(_columns.id == target.id)
        .values(
            secret=new_secret(),
            old_secret=_columns.secret,
            old_secret_until=clock.now() + OLD_SECRET_FOR,
        )
    )


async def delete_target(connection: AsyncConnection, target_id: int) -> None:
    """Delete a target."""
    await connection.execute(delete(alert_targets).where(_columns.id == target_id))


async def list_targets(
    connection: AsyncConnection, project_id: ProjectId | None
) -> list[AlertTarget]:
    """Return the targets of a project or of the server, the oldest first."""
    return await _read_targets(connection, select(alert_targets).where(_is_of(project_id)))


async def get_target(
    connection: AsyncConnection, project_id: ProjectId | None, target_id: int
) -> AlertTarget:
    """Return a target of a project or of the server.

    Raises:
        NotFound: There is no such target there.
    """
    query = select(alert_targets).where(_columns.id == target_id, _is_of(project_id))
    found = await _read_targets(connection, query)
    if not found:
        raise NotFound("there is no such target")
    return found[0]


async def find_target(connection: AsyncConnection, target_id: int) -> AlertTarget | None:
    """Return the target of a message, or None if it is gone."""
    found = await _read_targets(connection, select(alert_targets).where(_columns.id == target_id))
    return found[0] if found else None


async def list_on(connection: AsyncConnection, target_ids: Collection[int]) -> list[AlertTarget]:
    """Return the targets with these ids that are switched on."""
    query = select(alert_targets).where(_columns.id.in_(target_ids), _columns.is_on)
    return await _read_targets(connection, query)


async def count_failing(connection: AsyncConnection) -> int:
    """Count the targets, of all projects and of the server, whose last message did not arrive."""
    query = select(func.count()).select_from(alert_targets)
    query = query.where(_columns.is_on, _columns.failing_since.is_not(None))
    return await connection.scalar(query) or 0


async def note_success(connection: AsyncConnection, target_id: int) -> None:
    """Note that a message has arrived."""
    await connection.execute(
        update(alert_targets)
        .where(_columns.id == target_id)
        .values(sent_at=func.now(), failing_since=None, fault=None)
    )


async def note_fault(
    connection: AsyncConnection, target_id: int, fault: str, *, is_gone: bool
) -> None:
    """Note that a message has not arrived; a target that says it is gone is switched off."""
    values: dict[str, Any] = {
        "fault": fault,
        "failing_since": func.coalesce(_columns.failing_since, func.now()),
    }
    if is_gone:
        values["is_on"] = False
    await connection.execute(update(alert_targets).where(_columns.id == target_id).values(**values))


def _is_of(project_id: ProjectId | None) -> Any:
    return (
        _columns.project_id.is_(None) if project_id is None else (_columns.project_id == project_id)
    )


async def _read_targets(connection: AsyncConnection, query: Select[Any]) -> list[AlertTarget]:
    return [_read_target(row) for row in await connection.execute(query.order_by(_columns.id))]


def _read_target(row: Any) -> AlertTarget:
    is_old_good = row.old_secret_until is not None and row.old_secret_until > clock.now()
    return AlertTarget(
        row.id,
        None if row.project_id is None else ProjectId(row.project_id),
        TargetKind(row.kind),
        row.name,
        row.address,
        row.secret,
        row.old_secret if is_old_good else None,
        row.is_on,
        row.made_at,
        row.sent_at,
        row.failing_since,
        row.fault,
    )
