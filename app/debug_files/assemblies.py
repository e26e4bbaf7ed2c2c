"""Files that are put together of their chunks: who works on which, and what went wrong.

question, all chunks there ─► row ─► claim ─► put together ─┬► debug_files, the row goes
                               ▲       │                    └► broken: `fault`, for some minutes
                               └───────┘ the process died: claimed again
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.text import clean
from app.debug_files.model import ApiTokenId
from app.debug_files.tables import upload_assemblies

LEASE: Final = timedelta(seconds=60)
"""So long after the death of who puts a file together another one begins."""
FAULTS_KEPT_FOR: Final = timedelta(minutes=5)
"""A build that waits for its files asks every second; a later one may try the same file again."""
_DETAIL_BYTES: Final = 1_000
_MEASURING: Final = 0x75706C64
"""The first key of the advisory locks of this module; the second is a token."""


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file as the uploader names it; two that differ in anything are put together separately."""

    project_id: ProjectId
    sha1: str
    is_bundle: bool
    """True if it was announced as a bundle of scripts, and not as a debug file."""
    debug_id: str = ""
    """The debug id that the uploader gave, normalised; empty for none."""
    release: str = ""
    dist: str = ""

    @property
    def key(self) -> tuple[int, str, bool, str, str, str]:
        """The values of the columns that tell it from others."""
        return (
            self.project_id, self.sha1, self.is_bundle, self.debug_id, self.release, self.dist,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileAssembly:
    """A file that is to be put together, or that was found to be broken."""

    assembly_id: int
    wanted: WantedFile
    name: str
    """The name of the file, without its folders."""
    token_id: ApiTokenId
    chunks: tuple[str, ...]
    """The SHA-1 of each chunk, in the order of the file."""
    size_bytes: int
    attempts: int
    fault: str | None
    """The reason why it cannot be used; empty if it is valid but unneeded; None while it may become
    a debug file."""


async def find_assemblies(
    connection: AsyncConnection, wanted: Collection[WantedFile]
) -> dict[WantedFile, FileAssembly]:
    """Find files that are being put together, or were found to be broken a moment ago."""
    if not wanted:
        return {}
    columns = upload_assemblies.c
    rows = await connection.execute(
        select(upload_assemblies).where(
            tuple_(*_key_columns()).in_(sorted(each.key for each in wanted)),
            or_(columns.fault.is_(None), columns.failed_at > func.now() - FAULTS_KEPT_FOR),
        )
    )
    assemblies = [_make_assembly(row) for row in rows]
    return {assembly.wanted: assembly for assembly in assemblies}


async def add_assembly(
    connection: AsyncConnection,
    wanted: WantedFile,
    *,
    name: str,
    token_id: ApiTokenId,
    chunks: Sequence[str],
    size_bytes: int,
) -> int:
    """Add a file that is to be put together; returns its id, also if it was there already."""
    values = {
        "name": name,
        "token_id": token_id,
        "chunks": list(chunks),
        "size_bytes": size_bytes,
        "made_at": func.now(),
        "attempts": 0,
        "claimed_until": None,
        "fault": None,
        "failed_at": None,
    }
    columns = upload_assemblies.c
    statement = insert(upload_assemblies).values(
        project_id=wanted.project_id,
        sha1=wanted.sha1,
        is_bundle=wanted.is_bundle,
        debug_id=wanted.debug_id,
        release=wanted.release,
        dist=wanted.dist,
        **values,
    )
    added = await connection.scalar(
        # An old fault is forgotten: the file may be read differently by now.
        statement.on_conflict_do_update(
            constraint="uq_upload_assemblies",
            set_=values,
            where=columns.failed_at <= func.now() - FAULTS_KEPT_FOR,
        ).returning(columns.assembly_id)
    )
    if added is None:
        added = await connection.scalar(
            select(columns.assembly_id).where(tuple_(*_key_columns()) == tuple_(*wanted.key))
        )
    return int(added or 0)


async def measure_open(connection: AsyncConnection, token_id: ApiTokenId) -> tuple[int, int]:
    """Count the files of a token that may yet become debug files, and add up their sizes.

    Until the transaction ends no other one measures this token, so that several questions at once
    do not each find the same room.
    """
    await connection.execute(select(func.pg_advisory_xact_lock(_MEASURING, token_id % 2**31)))
    columns = upload_assemblies.c
    rows = await connection.execute(
        select(func.count(), func.coalesce(func.sum(columns.size_bytes), 0)).where(
            columns.token_id == token_id, columns.fault.is_(None)
        )
    )
    files, size_bytes = rows.one()
    return int(files), int(size_bytes)


async def claim_assembly(
    connection: AsyncConnection,
    assembly_id: int | None = None,
    *,
    after_project: int = 0,
) -> FileAssembly | None:
    """Claim a file, to put it together.

    Args:
        connection: The transaction of the caller.
        assembly_id: The file; None for one that nobody works on.
        after_project: The project whose turn it was last. The oldest file of the next one is taken,
            so that a long backlog of one project does not hold up the others.

    Returns:
        None if there is nothing to do: it is done, broken, or somebody works on it.
    """
    columns = upload_assemblies.c
    is_free: ColumnElement[bool] = columns.fault.is_(None) & or_(
        columns.claimed_until.is_(None), columns.claimed_until < func.now()
    )
    if assembly_id is not None:
        is_free &= columns.assembly_id == assembly_id
    free = (
        select(columns.assembly_id)
        .where(is_free)
        .order_by(columns.project_id <= after_project, columns.project_id, columns.assembly_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    rows = await connection.execute(
        update(upload_assemblies)
        .where(columns.assembly_id == free.scalar_subquery())
        .values(claimed_until=func.now() + LEASE, attempts=columns.attempts + 1)
        .returning(upload_assemblies)
    )
    row = rows.first()
    return _make_assembly(row) if row is not None else None


async def renew_claim(connection: AsyncConnection, assembly: FileAssembly) -> bool:
    """Hold a file for longer; returns False if somebody else has claimed it meanwhile."""
    return await _change_own(connection, assembly, claimed_until=func.now() + LEASE)


async def release_claim(
    connection: AsyncConnection, assembly: FileAssembly, *, pause: timedelta
) -> None:
    """Let anybody put a file together after a pause, since it cannot be done now."""
    await _change_own(connection, assembly, claimed_until=func.now() + pause)


async def note_fault(connection: AsyncConnection, assembly: FileAssembly, fault: str) -> bool:
    """Note why a file cannot be used; returns False if somebody else has claimed it meanwhile."""
    return await _change_own(
        connection,
        assembly,
        fault=clean(fault, limit_bytes=_DETAIL_BYTES),
        failed_at=func.now(),
        claimed_until=None,
    )


async def finish_assembly(connection: AsyncConnection, assembly: FileAssembly) -> bool:
    """Forget a file that is complete; returns False if somebody else has claimed it meanwhile.

    Do it first in the transaction that adds the file: the row stays locked until its end.
    """
    deleted = await connection.execute(delete(upload_assemblies).where(_is_own(assembly)))
    return bool(deleted.rowcount)


async def delete_old_faults(connection: AsyncConnection) -> None:
    """Forget files that were found to be broken some time ago."""
    await connection.execute(
        delete(upload_assemblies).where(
            upload_assemblies.c.failed_at < func.now() - FAULTS_KEPT_FOR
        )
    )


async def _change_own(connection: AsyncConnection, assembly: FileAssembly, **values: Any) -> bool:
    changed = await connection.execute(
        update(upload_assemblies).where(_is_own(assembly)).values(**values)
    )
    return bool(changed.rowcount)


def _is_own(assembly: FileAssembly) -> ColumnElement[bool]:
    columns = upload_assemblies.c
    return (columns.assembly_id == assembly.assembly_id) & (columns.attempts == assembly.attempts)


def _key_columns() -> tuple[ColumnElement[Any], ...]:
    columns = upload_assemblies.c
    return (
        columns.project_id, columns.sha1, columns.is_bundle, columns.debug_id, columns.release,
        columns.dist,
    )  # fmt: skip


def _make_assembly(row: Row[Any]) -> FileAssembly:
    return FileAssembly(
        row.assembly_id,
        WantedFile(
            ProjectId(row.project_id), row.sha1, row.is_bundle, row.debug_id, row.release, row.dist
        ),
        row.name,
        ApiTokenId(row.token_id),
        tuple(row.chunks),
        row.size_bytes,
        row.attempts,
        row.fault,
    )
