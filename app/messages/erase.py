"""Erases replays, issues and events from what was found and from messages."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.messages import findings, outbox


async def erase_from_messages(
    connection: AsyncConnection, project_id: ProjectId, ids: Iterable[str]
) -> int:
    """Forget what was found about some replays, issues or events, and empty what tells of them.

    Args:
        connection: The transaction that erases them.
        project_id: Their project.
        ids: Their ids.

    Returns:
        How many messages that tell of them have left the server. They cannot be called back.
    """
    subjects = [(project_id, each) for each in sorted(set(ids))]
    await findings.forget_subjects(connection, subjects)
    return await outbox.erase_subjects(connection, subjects)
