"""Notes on which day, and by events of which release, debug files were used last."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.debug_files import writes
from app.debug_files.model import DebugFileId
from app.symbolication.model import SymbolicatedEvent

ReleasedEvent = tuple[ProjectId, str | None, SymbolicatedEvent]
"""An event by its project and its release, and what debug files did for it."""


async def note_used_files(
    connection: AsyncConnection, events: Iterable[ReleasedEvent], *, day: date
) -> None:
    """Note the debug files that some events used, with one statement for each release.

    Args:
        connection: The transaction that stores the events.
        events: The events.
        day: The day on which they are stored.
    """
    used: defaultdict[tuple[ProjectId, str], set[DebugFileId]] = defaultdict(set)
    for project_id, release, symbolicated in events:
        if symbolicated.used:
            file_ids = {DebugFileId(file.file_id) for file in symbolicated.used}
            used[project_id, release or ""] |= file_ids
    for (project_id, release), file_ids in sorted(used.items()):
        await writes.note_use(connection, project_id, file_ids, day=day, release=release or None)
