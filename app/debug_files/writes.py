"""Adds and deletes debug files, with their ids, addresses and objects.

Objects are stored before the row of their file. Until that row is there, a row of
`debug_file_sweeps` says that they may have to go:

    begin_debug_file ─► objects ─► add_debug_file        the file is known, the sweep forgotten
                           └ the process dies ─► sweep   the objects are removed after `due_at`
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ARRAY, bindparam, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.rows import insert_new_rows
from app.db.text import clean
from app.db.types import Hex32
from app.debug_files.model import (
    ArtifactUrl,
    DebugFile,
    DebugFileArrival,
    DebugFileId,
    DebugFileKind,
    DebugFilePart,
)
from app.debug_files.queries import make_debug_file
from app.debug_files.tables import (
    artifact_urls,
    debug_file_arrivals,
    debug_file_receipts,
    debug_file_sweeps,
    debug_files,
    debug_ids,
)

STORING: Final = timedelta(hours=2)
"""The objects of a file that is not known after this time are removed."""
_CERTAINLY_STORING: Final = timedelta(minutes=1)
"""A file must become known this long before its objects are removed."""
_NAME_BYTES: Final = 1_024
_URL_BYTES: Final = 2_000
"""An index of Postgres takes 2,704 bytes in one row."""
_IS_FREE: Final = or_(
    debug_file_arrivals.c.claimed_until.is_(None), debug_file_arrivals.c.claimed_until < func.now()
)
"""The condition for news that nobody works on."""
_NOTE_USE: Final = text(
    """
    update debug_files
    set last_used_day = :day, used_release = coalesce(:release, used_release)
    where (project_id, file_id) in (
        select project_id, file_id from debug_files
        where project_id = :project_id and file_id = any(:file_ids)
            and (
                last_used_day is null or last_used_day < :day
                or (used_release is null and cast(:release as text) is not null)
            )
        -- Whoever holds one notes the same.
        for update skip locked
    )
    """
).bindparams(bindparam("file_ids", type_=ARRAY(Hex32)))


def new_file_id() -> DebugFileId:
    """Make the id of a debug file."""
    return DebugFileId(secrets.token_hex(16))


async def begin_debug_file(
    connection: AsyncConnection, project_id: ProjectId, file_id: DebugFileId
) -> None:
    """Note that objects of a file may be stored from now on, before the file is known.

    Commit it before the first object is stored.
    """
    await connection.execute(
        insert(debug_file_sweeps).values(
            project_id=project_id, file_id=file_id, due_at=func.now() + STORING
        )
    )


async def expire_debug_file(
    connection: AsyncConnection, project_id: ProjectId, file_id: DebugFileId
) -> None:
    """Let the objects of a file be removed now, since it will not become known."""
    await connection.execute(
        update(debug_file_sweeps)
        .where(debug_file_sweeps.c.project_id == project_id, debug_file_sweeps.c.file_id == file_id)
        .values(due_at=func.now())
    )


async def add_debug_file(
    connection: AsyncConnection,
    file: DebugFile,
    parts: Sequence[DebugFilePart],
    *,
    artifacts: Sequence[ArtifactUrl] = (),
) -> bool:
    """Add a debug file whose objects are stored, and the news of it.

    Args:
        connection: The transaction of the caller.
        file: The file.
        parts: Its parts, each with another debug id.
        artifacts: The addresses under which the scripts of a release find its entries.

    Returns:
        True if it was added. It is not if another process added the same content meanwhile: then
        nothing is changed, and the objects of `file` will be removed.

    Raises:
        ServiceUnavailable: Storing it took so long that its objects may be removed already.
    """
    values = asdict(file) | {
        "name": clean(file.name, limit_bytes=_NAME_BYTES),
        "features": list(file.features),
        "object_names": list(file.object_names),
    }
    inserted = await connection.execute(
        insert(debug_files)
        .values(values)
        .on_conflict_do_nothing(index_elements=["project_id", "sha1", "kind"])
        .returning(debug_files.c.file_id)
    )
    if inserted.first() is None:
        return False
    forgotten = await connection.execute(
        delete(debug_file_sweeps).where(
            debug_file_sweeps.c.project_id == file.project_id,
            debug_file_sweeps.c.file_id == file.file_id,
            debug_file_sweeps.c.due_at > func.now() + _CERTAINLY_STORING,
        )
    )
    if not forgotten.rowcount:
        raise ServiceUnavailable(f"storing a debug file took longer than {STORING}")
    await extend_debug_file(connection, file, parts, artifacts=artifacts)
    return True


async def extend_debug_file(
    connection: AsyncConnection,
    file: DebugFile,
    parts: Sequence[DebugFilePart],
    *,
    artifacts: Sequence[ArtifactUrl] = (),
) -> bool:
    """Add further debug ids or addresses to a debug file, and the news of them.

    Returns:
        True if any of them is new.
    """
    new_ids = await insert_new_rows(
        connection, debug_ids, {_part_key(file, part): _part_row(file, part) for part in parts}
    )
    rows = [_artifact_row(file, artifact) for artifact in artifacts]
    new_urls = await insert_new_rows(
        connection,
        artifact_urls,
        {tuple(row[column.name] for column in artifact_urls.primary_key): row for row in rows},
    )
    releases = {(row["release"], row["dist"]) for row in rows}
    news: list[dict[str, Any]] = []
    if new_urls:
        news = [{"release": release, "dist": dist or None} for release, dist in sorted(releases)]
    elif new_ids:
        news = [{"release": None, "dist": None}]
    for each in news:
        await connection.execute(
            insert(debug_file_arrivals).values(
                project_id=file.project_id,
                file_id=file.file_id,
                kind=file.kind,
                debug_ids=sorted(str(key[1]) for key in new_ids),
                **each,
            )
        )
    return bool(news)


async def note_use(
    connection: AsyncConnection,
    project_id: ProjectId,
    file_ids: Collection[DebugFileId],
    *,
    day: date,
    release: str | None = None,
) -> None:
    """Note that events of a release used some files on a day; a row changes once or twice on it."""
    if file_ids:
        parameters = {
            "project_id": project_id,
            "file_ids": sorted(file_ids),
            "day": day,
            "release": clean(release, limit_bytes=_NAME_BYTES) if release else None,
        }
        await connection.execute(_NOTE_USE, parameters)


async def delete_debug_files(
    connection: AsyncConnection, project_id: ProjectId, file_ids: Collection[DebugFileId]
) -> list[DebugFile]:
    """Delete files with their ids and addresses; their objects are removed afterwards.

    Returns:
        The files that there were.
    """
    if not file_ids:
        return []
    rows = await connection.execute(
        delete(debug_files)
        .where(debug_files.c.project_id == project_id, debug_files.c.file_id.in_(sorted(file_ids)))
        .returning(debug_files)
    )
    files = [make_debug_file(row) for row in rows]
    for table in (debug_ids, artifact_urls, debug_file_arrivals):
        await connection.execute(
            delete(table).where(
                table.c.project_id == project_id, table.c.file_id.in_(sorted(file_ids))
            )
        )
    for file in files:
        await connection.execute(
            insert(debug_file_sweeps)
            .values(project_id=project_id, file_id=file.file_id, due_at=func.now())
            .on_conflict_do_update(
                index_elements=["project_id", "file_id"], set_={"due_at": func.now()}
            )
        )
    return files


async def is_any_arrival_free(connection: AsyncConnection) -> bool:
    """Tell whether there are news that nobody works on."""
    return bool(await connection.scalar(select(exists().where(_IS_FREE))))


async def claim_arrival(connection: AsyncConnection, *, until: datetime) -> DebugFileArrival | None:
    """Claim the oldest news that nobody works on; returns None if there are none.

    Args:
        connection: The transaction of the caller.
        until: The time from which another process may claim it if it is not finished by then.
    """
    columns = debug_file_arrivals.c
    free = (
        select(columns.arrival_id)
        .where(_IS_FREE)
        .order_by(columns.arrival_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    rows = await connection.execute(
        update(debug_file_arrivals)
        .where(columns.arrival_id == free.scalar_subquery())
        .values(claimed_until=until)
        .returning(debug_file_arrivals)
    )
    row = rows.first()
    if row is None:
        return None
    return DebugFileArrival(
        row.arrival_id,
        ProjectId(row.project_id),
        DebugFileId(row.file_id),
        DebugFileKind(row.kind),
        tuple(row.debug_ids),
        row.release,
        row.dist,
        row.arrived_at,
    )


async def renew_arrival(connection: AsyncConnection, arrival_id: int, *, until: datetime) -> None:
    """Keep news claimed, or let somebody claim them later."""
    await connection.execute(
        update(debug_file_arrivals)
        .where(debug_file_arrivals.c.arrival_id == arrival_id)
        .values(claimed_until=until)
    )


async def finish_arrival(connection: AsyncConnection, arrival_id: int) -> None:
    """Forget news whose events are done."""
    await connection.execute(
        delete(debug_file_arrivals).where(debug_file_arrivals.c.arrival_id == arrival_id)
    )


async def find_due_sweeps(
    connection: AsyncConnection, *, limit: int = 100
) -> list[tuple[ProjectId, DebugFileId]]:
    """Find files whose objects are to be removed now, those that are due longest first."""
    columns = debug_file_sweeps.c
    rows = await connection.execute(
        select(columns.project_id, columns.file_id)
        .where(columns.due_at <= func.now())
        .order_by(columns.due_at)
        .limit(limit)
    )
    return [(ProjectId(row.project_id), DebugFileId(row.file_id)) for row in rows]


async def finish_sweep(
    connection: AsyncConnection, project_id: ProjectId, file_id: DebugFileId, *, objects: int = 0
) -> None:
    """Forget a file whose objects are removed, and close its receipt if it was deleted.

    Args:
        connection: The transaction of the caller.
        project_id: The project of the file.
        file_id: The file.
        objects: The number of objects that were removed.
    """
    await connection.execute(
        delete(debug_file_sweeps).where(
            debug_file_sweeps.c.project_id == project_id, debug_file_sweeps.c.file_id == file_id
        )
    )
    await connection.execute(
        update(debug_file_receipts)
        .where(
            debug_file_receipts.c.project_id == project_id,
            debug_file_receipts.c.file_id == file_id,
            debug_file_receipts.c.swept_at.is_(None),
        )
        .values(swept_at=func.now(), objects=objects)
    )


def _part_key(file: DebugFile, part: DebugFilePart) -> tuple[int, str, str]:
    return file.project_id, part.debug_id, file.file_id


def _part_row(file: DebugFile, part: DebugFilePart) -> dict[str, Any]:
    return asdict(part) | {
        "project_id": file.project_id,
        "file_id": file.file_id,
        "features": list(part.features),
    }


def _artifact_row(file: DebugFile, artifact: ArtifactUrl) -> dict[str, Any]:
    return {
        "project_id": file.project_id,
        "release": clean(artifact.release, limit_bytes=_NAME_BYTES // 4),
        "dist": clean(artifact.dist, limit_bytes=_NAME_BYTES // 4),
        "url": clean(artifact.url, limit_bytes=_URL_BYTES),
        "file_id": file.file_id,
        "entry": clean(artifact.entry, limit_bytes=_URL_BYTES),
        "added_at": file.uploaded_at,
    }
