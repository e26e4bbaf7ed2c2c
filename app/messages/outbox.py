"""The outbox: messages that wait to be sent, each claimed by one process at a time.

    add ─► waiting ─► claimed for a minute ─► sent
                 ▲                       ├──► failed, given up
                 └── later, after a fault ┘

If a process dies, another one sends the message again once the claim has run out. So every message
is sent at least once, and a receiver recognises a second copy by its key.
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
"""The time for which a claim holds; a try is shorter (`DEADLINE_S` of `outbound` and `mail`)."""
KEPT_FOR: Final = timedelta(days=30)
"""The time for which the log shows a message that was sent or given up."""
_AT_ONCE: Final = 1
"""The most messages that are sent to one target at the same time. So they arrive in order, a target
that does not answer does not delay the others, and at most one message to a target comes twice when
a process dies. Processes that claim at the same moment may exceed it."""
_OF_PROJECT: Final = 2
"""The most alerts of one project that are sent at the same time, so that many slow targets of one
project leave turns to others. Messages to people and of the server go first."""
_TITLE_BYTES: Final = 1_024
_RECEIVER_LOCKS: Final = 3
"""The seed of the hash that names these locks, unlike that of others (`accounts/attempts`)."""
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
    """Put messages into the outbox and return their ids; they are sent once the caller commits."""
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
    """Claim a due message: messages to people and of the server first, then the longest due.

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
    """Note the final state of a message; return False if another process has claimed it."""
    ended = await _change_own(
        connection,
        message,
        sender,
        state=state,
        ended_at=func.now(),
        leased_until=None,
        leased_by=None,
        fault=_cut_fault(fault),
        # The address of a message that was given up is of no use any more.
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
    """Release the claim on a message, and make it due again after a pause."""
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
    """Release all claims of a process that stops, so that others send these messages at once."""
    await connection.execute(
        update(outbox)
        .where(_columns.state == MessageState.WAITING, _columns.leased_by == sender)
        .values(leased_until=None, leased_by=None)
    )


async def cancel_messages(connection: AsyncConnection, *, target_id: int) -> None:
    """Cancel the waiting messages to a target that is removed or switched off.

    Messages that are being sent at this moment are skipped: their sender notes the result.
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
    """Count the messages that are not sent yet, and measure how late the first due one is."""
    since = func.min(_columns.due_at)
    query = select(
        func.count(),
        func.greatest(func.coalesce(func.extract("epoch", func.now() - since), 0), 0),
    )
    row = (await connection.execute(query.where(_columns.state == MessageState.WAITING))).one()
    return WaitingMessages(row[0], float(row[1]))


async def count_batches(connection: AsyncConnection, rule_id: int, *, since: datetime) -> int:
    """Count the messages that a rule made since a time; those to several targets count once."""
    query = select(func.count(_columns.batch.distinct())).where(
        _columns.rule_id == rule_id, _columns.made_at > since
    )
    return await connection.scalar(query) or 0


async def find_first_batch_at(
    connection: AsyncConnection, rule_id: int, *, since: datetime
) -> datetime | None:
    """Return the time of the first message that a rule made since a time; None if it made none."""
    query = select(func.min(_columns.made_at)).where(
        _columns.rule_id == rule_id, _columns.made_at > since
    )
    first: datetime | None = await connection.scalar(query)
    return first


async def lock_receiver(connection: AsyncConnection, name: str) -> None:
    """Lock a receiver, so that one transaction at a time counts and adds messages to it."""
    await connection.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(name, _RECEIVER_LOCKS)))
    )


async def count_recent(
    connection: AsyncConnection, kind: MessageKind, *, since: datetime, **of: int | str | None
) -> int:
    """Count the messages of a kind since a time whose columns have the values in `of`."""
    query = select(func.count()).select_from(outbox)
    query = query.where(_columns.kind == kind, _columns.made_at > since)
    for name, value in of.items():
        query = query.where(_columns[name] == value)
    return await connection.scalar(query) or 0


async def read_message(connection: AsyncConnection, message_id: int) -> LoggedMessage | None:
    """Return a message of the log, or None if there is none with this id."""
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
        before: The id before which the part begins; None for the newest.
        limit: The most messages that are returned.
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
