"""Erases quarantined envelopes, and whole projects."""

import zlib
from typing import Final

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.record_scans import RecordSource, ScannedRecord
from app.projects.tables import projects, quarantine

QUARANTINE_RECORDS: Final = RecordSource(quarantine, texts=("content_encoding",), bodies=("body",))
_MOST_INFLATED: Final = 64 * 1024 * 1024
_GZIP_OR_ZLIB: Final = 47
_DELETE_OUTCOMES: Final = text("delete from outcomes where project_id = :project_id")
_DELETE_REMOVALS: Final = text("delete from removal_counts where project_id = :project_id")


async def delete_project(connection: AsyncConnection, project_id: ProjectId) -> bool:
    """Delete a project with its members, invitations and keys; returns whether there was one.

    Everything else of it has no foreign key, and is deleted by the erasure step by step.
    """
    deleted = await connection.execute(delete(projects).where(projects.c.id == project_id))
    return bool(deleted.rowcount)


async def delete_outcomes(connection: AsyncConnection, project_id: ProjectId) -> None:
    """Delete the counts of everything that was ever sent to a project, and removed from it."""
    for statement in (_DELETE_OUTCOMES, _DELETE_REMOVALS):
        await connection.execute(statement, {"project_id": project_id})


def read_body(record: ScannedRecord) -> bytes:
    """Return a quarantined envelope as text, inflated as far as it can be."""
    body = bytes(record.values["body"] or b"")
    inflater = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
    try:
        return inflater.decompress(body, _MOST_INFLATED)
    except zlib.error:
        return body
