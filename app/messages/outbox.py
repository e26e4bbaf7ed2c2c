"""The outbox: messages that wait to be sent, each claimed by one process at a time.

    add ─► waiting ─► claimed for a minute ─► sent
                 ▲                       ├──► failed, given up
                 └── later, after a fault ┘

A process that dies leaves its claim behind; when that has run out, another one sends the message
again. So every message leaves at least once, and a receiver knows one that comes twice by its key.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    CursorResult,
    and_,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId
from app.db.text import clean
from app.messages.model import (
    LoggedMessage,
    MessageKind,
    MessageState,
    NewMessage,
    OutgoingMessage,
    WaitingMessages,
)
from app.messages.tables import message_subjects, outbox

LEASE: Final = timedelta(seconds=60)
"""Longer than any try takes (`outbound.client.DEADLINE_S`, `mail.server.DEADLINE_S`)."""
KEPT_FOR: Final = timedelta(days=30)
"""So long the log tells of a message that was sent or given up."""
_AT_ONCE: Final = 1
"""Messages to one target that are on their way at the same time. So they arrive in their order, a
target that does not answer does not take the turns of all others, and of each target one message
at most comes twice when a process dies. Processes that claim at the same moment may be beyond."""
_OF_PROJECT: Final = 2
"""The same for the alerts of one project, so that many slow targets of one leave turns to others.
Messages to persons and of the server come first, and no project can hold them up."""
_TITLE_BYTES: Final = 1_024
_RECEIVER_LOCKS: Final = 3
"""Tells these locks from others that are named by a hash (`accounts/attempts`)."""
_FAULT_BYTES: Final = 500

_columns: Final = outbox.c
_CLAIM: Final = text(
    """
    with leased as materialized (
        select o.target_id, o.project_id from outbox_messages o
        where o.state = 'waiting' and o.leased_until > now() and o.target_id is not null
    )
    update outbox_messages m
    set leased_until = now() + cast(:lease as interval), leased_by = cast(:sender as uuid),
        tries = m.tries + 1
    where m.id = (
        select c.id from outbox_messages c
        where c.state = 'waiting' and c.due_at <= now()
          and (c.leased_until is null or c.leased_until <= now())
          and (c.target_id is null or :at_once > (
              select count(*) from leased l where l.target_id = c.target_id
          ))
          and (c.target_id is null or c.project_id is null or :of_project > (
              select count(*) from leased l where l.project_id = c.project_id
          ))
        order by c.target_id is not null and c.project_id is not null, c.due_at, c.id
        limit 1 for update of c skip locked
    )
    returning m.id, m.key, m.kind, m.title, m.content, m.tries, m.made_at, m.project_id,
        m.target_id, m.person_id, m.address
    """
)

_IS_ANY_DUE: Final = text(
    """
    select exists (
        select from outbox_messages
        where state = 'waiting' and due_at <= now()
          and (leased_until is null or leased_until <= now())
    )
    """
)


async def add_messages(connection: AsyncConnection, new: Sequence[NewMessage]) -> list[int]:
    """Put messages into the outbox; they leave after the transaction of the caller is committed."""
    added: list[int] = []
    for message in new:
        message_id = await connection.scalar(
            insert(outbox)
            .values(
                key=secrets.token_hex(16),
                batch=message.batch,
                project_id=message.project_id,
                rule_id=message.rule_id,
                target_id=message.target_id,
                person_id=message.person_id,
                address=message.address,
                kind=message.kind,
                title=clean(message.title, limit_bytes=_TITLE_BYTES),
                content=dict(message.content),
                due_at=func.now(),
            )
            .returning(_columns.id)
        )
        added.append(int(message_id or 0))
        if message.subjects:
            await connection.execute(
                insert(message_subjects),
                [
                    {"message_id": message_id, "project_id": project_id, "subject_id": subject}
                    for project_id, subject in sorted(set(message.subjects))
                ],
            )
    return added


async def is_any_due(connection: AsyncConnection) -> bool:
    """Tell whether a message is due that no process has claimed."""
    return bool(await connection.scalar(_IS_ANY_DUE))


async def claim_message(connection: AsyncConnection, sender: str) -> OutgoingMessage | None:
    """Claim a message that is due: to a person or of the server first, then the longest due.

    Returns:
        The message; None if none is due and free.
    """
    parameters = {
        "lease": LEASE,
        "sender": sender,
        "at_once": _AT_ONCE,
        "of_project": _OF_PROJECT,
    }
    row = (await connection.execute(_CLAIM, parameters)).first()
    if row is None:
        return None
    return OutgoingMessage(
        row.id,
        row.key.hex,
        MessageKind(row.kind),
        row.title,
        row.content or {},
        row.tries,
        row.made_at,
        None if row.project_id is None else ProjectId(row.project_id),
        row.target_id,
        None if row.person_id is None else PersonId(row.person_id),
        row.address,
    )


async def note_end(
    connection: AsyncConnection,
    message: OutgoingMessage,
    sender: str,
    state: MessageState,
    *,
    fault: str | None = None,
) -> bool:
    """Note how a message ended; returns False if another process has claimed it meanwhile."""
    ended = await _change_own(
        connection,
        message,
        sender,
        state=state,
        ended_at=func.now(),
        leased_until=None,
        leased_by=None,
        fault=_cut_fault(fault),
        # What invites somebody and what was given up is of no use to anybody.
        **({} if state is MessageState.SENT else {"address": None}),
    )
    return bool(ended.rowcount)


async def postpone_message(
    connection: AsyncConnection,
    message: OutgoingMessage,
    sender: str,
    *,
    pause: timedelta,
    fault: str,
) -> None:
    """Let a message be sent again after a pause."""
    await _change_own(
        connection,
        message,
        sender,
        due_at=func.now() + pause,
        leased_until=None,
        leased_by=None,
        fault=_cut_fault(fault),
    )


async def release_claims(connection: AsyncConnection, sender: str) -> None:
    """Give up the claims of a process that ends, so that others go on at once."""
    await connection.execute(
        update(outbox)
        .where(_columns.state == MessageState.WAITING, _columns.leased_by == sender)
        .values(leased_until=None, leased_by=None)
    )


async def cancel_messages(connection: AsyncConnection, *, target_id: int) -> None:
    """Cancel what waits for a target that is removed or switched off.

    What is on its way at this moment is noted by its sender.
    """
    waiting = (
        select(_columns.id)
        .where(_columns.state == MessageState.WAITING, _columns.target_id == target_id)
        .order_by(_columns.id)
        .with_for_update(skip_locked=True)
    )
    await connection.execute(
        update(outbox)
        .where(_columns.id.in_(waiting.scalar_subquery()))
        .values(state=MessageState.CANCELLED, ended_at=func.now(), content=None, address=None)
    )


async def count_waiting(connection: AsyncConnection) -> WaitingMessages:
    """Count what is not sent yet, and say how late the first of it is."""
    since = func.min(_columns.due_at)
    query = select(
        func.count(),
        func.greatest(func.coalesce(func.extract("epoch", func.now() - since), 0), 0),
    )
    row = (await connection.execute(query.where(_columns.state == MessageState.WAITING))).one()
    return WaitingMessages(row[0], float(row[1]))


async def count_batches(connection: AsyncConnection, rule_id: int, *, since: datetime) -> int:
    """Return how many messages a rule has made since a moment, whatever its targets are."""
    query = select(func.count(_columns.batch.distinct())).where(
        _columns.rule_id == rule_id, _columns.made_at > since
    )
    return await connection.scalar(query) or 0


async def find_first_batch_at(
    connection: AsyncConnection, rule_id: int, *, since: datetime
) -> datetime | None:
    """Return when a rule made the first of its messages since a moment."""
    query = select(func.min(_columns.made_at)).where(
        _columns.rule_id == rule_id, _columns.made_at > since
    )
    first: datetime | None = await connection.scalar(query)
    return first


async def lock_receiver(connection: AsyncConnection, name: str) -> None:
    """Let messages to one receiver be counted and added by one transaction at a time."""
    await connection.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(name, _RECEIVER_LOCKS)))
    )


async def count_recent(
    connection: AsyncConnection, kind: MessageKind, *, since: datetime, **of: int | str | None
) -> int:
    """Return how many messages of a kind were made since a moment, of a project or a person."""
    query = select(func.count()).select_from(outbox)
    query = query.where(_columns.kind == kind, _columns.made_at > since)
    for name, value in of.items():
        query = query.where(_columns[name] == value)
    return await connection.scalar(query) or 0


async def read_message(connection: AsyncConnection, message_id: int) -> LoggedMessage | None:
    """Return a message of the log, or None if it is not there."""
    rows = await connection.execute(_SELECT_LOG.where(_columns.id == message_id))
    row = rows.first()
    return None if row is None else _read_log_row(row)


async def list_messages(
    connection: AsyncConnection, project_id: ProjectId | None, *, before: int | None, limit: int
) -> list[LoggedMessage]:
    """Return messages of a project or of the server, the newest first.

    Args:
        connection: The connection to read with.
        project_id: The project; None for the messages of the server itself.
        before: The id before which to go on; None for the newest.
        limit: Messages at most.
    """
    query = _SELECT_LOG.where(
        _columns.project_id.is_(None) if project_id is None else _columns.project_id == project_id
    )
    if before is not None:
        query = query.where(_columns.id < before)
    rows = await connection.execute(query.order_by(_columns.id.desc()).limit(limit))
    return [_read_log_row(row) for row in rows]


async def delete_old_messages(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete messages that ended long ago."""
    deleted = await connection.execute(
        delete(outbox).where(
            and_(_columns.state != MessageState.WAITING, _columns.ended_at < now - KEPT_FOR)
        )
    )
    return deleted.rowcount


async def _change_own(
    connection: AsyncConnection, message: OutgoingMessage, sender: str, **values: Any
) -> CursorResult[tuple[()]]:
    return await connection.execute(
        update(outbox)
        .where(
            _columns.id == message.id,
            _columns.state == MessageState.WAITING,
            _columns.leased_by == sender,
        )
        .values(**values)
    )


def _cut_fault(fault: str | None) -> str | None:
    return None if fault is None else clean(fault, limit_bytes=_FAULT_BYTES)


_SELECT_LOG: Final = select(
    _columns.id,
    _columns.kind,
    _columns.title,
    _columns.state,
    _columns.rule_id,
    _columns.target_id,
    _columns.tries,
    _columns.fault,
    _columns.made_at,
    _columns.due_at,
    _columns.ended_at,
    _columns.content.is_(None).label("is_erased"),
)


def _read_log_row(row: Any) -> LoggedMessage:
    return LoggedMessage(
        row.id,
        MessageKind(row.kind),
        row.title,
        MessageState(row.state),
        row.rule_id,
        row.target_id,
        row.tries,
        row.fault,
        row.made_at,
        row.due_at,
        row.ended_at,
        row.is_erased,
    )
