"""Removes erased replays, issues and events from findings and from messages.

erased   ─► what waits is cancelled; the log forgets what was sent, and counts it
moved    ─► messages about the event are found by its new issue, too
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, bindparam, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.db.types import Hex32
from app.messages import findings
from app.messages.model import MessageState
from app.messages.tables import findings as found, message_subjects, outbox

ERASED: Final = "Erased"
"""The title of a message whose content was erased."""
EXPIRED: Final = "Expired"
"""The title of a message about something that is no longer kept."""

_FOLLOW: Final = text(
    """
    insert into message_subjects (message_id, project_id, subject_id)
    select distinct s.message_id, s.project_id, k.issue_id
    from unnest(:ids, :issue_ids) as k (id, issue_id)
    join message_subjects s on s.subject_id = k.id and s.project_id = :project_id
    on conflict do nothing
    """
).bindparams(bindparam("ids", type_=ARRAY(Hex32)), bindparam("issue_ids", type_=ARRAY(Hex32)))


async def erase_from_messages(
    connection: AsyncConnection,
    project_id: ProjectId,
    ids: Iterable[str],
    *,
    title: str = ERASED,
) -> int:
    """Delete the findings about replays, issues or events, and empty the messages that name them.

    Args:
        connection: The transaction that erases them.
        project_id: Their project.
        ids: Their ids.
        title: The text that replaces the title of a message in the log.

    Returns:
        The number of emptied messages that had been sent already, and cannot be called back.
    """
    subjects = [(project_id, each) for each in sorted(set(ids))]
    await findings.forget_subjects(connection, subjects)
    if not subjects:
        return 0
    is_subject = (
        message_subjects.c.subject_id.in_([subject for _, subject in subjects]),
        tuple_(message_subjects.c.project_id, message_subjects.c.subject_id).in_(subjects),
    )
    named = select(message_subjects.c.message_id).where(*is_subject)
    sent = await _empty_messages(connection, outbox.c.id.in_(named), title)
    await connection.execute(delete(message_subjects).where(*is_subject))
    return sent


async def erase_messages_of_project(connection: AsyncConnection, project_id: ProjectId) -> int:
    """Delete the findings in a project that is being erased, and empty all of its messages.

    Returns:
        The number of these messages that had been sent already.
    """
    await connection.execute(delete(found).where(found.c.project_id == project_id))
    return await _empty_messages(connection, outbox.c.project_id == project_id, ERASED)


async def list_named_ids(
    connection: AsyncConnection, project_id: ProjectId, *, since: datetime, until: datetime
) -> set[str]:
    """Return the ids in a project that its messages of some time name."""
    rows = await connection.scalars(
        select(message_subjects.c.subject_id)
        .distinct()
        .join(outbox, outbox.c.id == message_subjects.c.message_id)
        .where(
            outbox.c.project_id == project_id,
            outbox.c.made_at >= since,
            outbox.c.made_at < until,
            outbox.c.content.is_not(None),
            message_subjects.c.project_id == project_id,
        )
    )
    return set(rows)


async def follow_moved_events(
    connection: AsyncConnection,
    project_id: ProjectId,
    moved: Mapping[EventId, IssueId],
    replaced: Mapping[IssueId, IssueId],
) -> None:
    """Add to messages the issues to which their events have moved.

    So an erasure of such an issue later finds these messages.

    Args:
        connection: The transaction that moves the events.
        project_id: Their project.
        moved: The new issue of each event.
        replaced: Issues that are gone, with those that took their place: the events of a message
            may have expired.
    """
    pairs = [*moved.items(), *replaced.items()]
    if pairs:
        which = {
            "project_id": project_id,
            "ids": [each for each, _ in pairs],
            "issue_ids": [issue_id for _, issue_id in pairs],
        }
        await connection.execute(_FOLLOW, which)


async def _empty_messages(
    connection: AsyncConnection, which: ColumnElement[bool], title: str
) -> int:
    """Empty some messages, and return how many of them had been sent already.

    Waiting messages are cancelled. Sent ones cannot be called back; their content is deleted from
    the log, and their links lead nowhere from now on.
    """
    rows = await connection.execute(
        update(outbox)
        # Cancelled messages have no content any more, so their titles tell which are emptied.
        .where(which, outbox.c.title.not_in([ERASED, EXPIRED]))
        .values(content=None, title=title)
        .returning(outbox.c.state, outbox.c.tries)
    )
    # A message that was tried and waits may have reached its receiver all the same.
    sent = sum(1 for row in rows if row.state == MessageState.SENT or row.tries > 0)
    await connection.execute(
        update(outbox)
        .where(which, outbox.c.state == MessageState.WAITING)
        .values(state=MessageState.CANCELLED, ended_at=func.now())
    )
    return sent
