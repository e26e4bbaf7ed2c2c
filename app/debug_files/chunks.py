"""The chunks of which uploaded files consist, each known to the token that has sent it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    any_,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.debug_files.model import ApiTokenId
from app.debug_files.tables import upload_assemblies, upload_chunks

KEPT_FOR: Final = timedelta(hours=24)
"""A loose chunk goes so long after its last use."""
KEPT_USED_UP_FOR: Final = timedelta(minutes=10)
"""A chunk of a complete file stays so long, since another file may have the same chunk."""

_NOTED_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class UploadChunk:
    """A chunk that is stored."""

    sha1: str
    object_key: str
    size_bytes: int


async def find_chunks(
    connection: AsyncConnection, token_id: ApiTokenId, checksums: Collection[str]
) -> dict[str, UploadChunk]:
    """Find the chunks that a token has sent, by their SHA-1, and note that they are used."""
    if not checksums:
        return {}
    columns = upload_chunks.c
    is_own = (columns.token_id == token_id) & _is_one_of(checksums)
    rows = await connection.execute(
        select(columns.sha1, columns.object_key, columns.size_bytes).where(is_own)
    )
    chunks = {row.sha1: UploadChunk(*row) for row in rows}
    # A build that waits asks every second: its chunks are not written each time.
    is_forgotten = (columns.last_used_at < func.now() - _NOTED_AFTER) | columns.used_up_at.is_not(
        None
    )
    await _update_chunks(
        connection, is_own & is_forgotten, last_used_at=func.now(), used_up_at=None
    )
    return chunks


async def add_chunk(connection: AsyncConnection, token_id: ApiTokenId, chunk: UploadChunk) -> bool:
    """Add a chunk whose object is stored.

    Returns:
        True if it is new. Otherwise the token has sent it before, and the object must go again.
    """
    is_new: ColumnElement[bool] = literal_column("(xmax = 0)")
    added = await connection.execute(
        insert(upload_chunks)
        .values(
            token_id=token_id,
            sha1=chunk.sha1,
            object_key=chunk.object_key,
            size_bytes=chunk.size_bytes,
        )
        .on_conflict_do_update(
            index_elements=["token_id", "sha1"],
            set_={"last_used_at": func.now(), "used_up_at": None},
        )
        .returning(is_new)
    )
    return bool(added.scalar_one())


async def sum_loose_bytes(connection: AsyncConnection, token_id: ApiTokenId) -> int:
    """Add up the chunks of a token of which no file was put together yet."""
    total = await connection.scalar(
        select(func.coalesce(func.sum(upload_chunks.c.size_bytes), 0)).where(
            upload_chunks.c.token_id == token_id, upload_chunks.c.used_up_at.is_(None)
        )
    )
    return int(total or 0)


async def mark_used_up(
    connection: AsyncConnection, token_id: ApiTokenId, checksums: Collection[str]
) -> None:
    """Note that a file was put together of some chunks."""
    is_own = (upload_chunks.c.token_id == token_id) & _is_one_of(checksums)
    await _update_chunks(connection, is_own, used_up_at=func.now())


async def delete_chunks(
    connection: AsyncConnection, token_id: ApiTokenId, checksums: Collection[str]
) -> None:
    """Forget chunks whose objects are gone."""
    await connection.execute(
        delete(upload_chunks).where(upload_chunks.c.token_id == token_id, _is_one_of(checksums))
    )


async def delete_old_chunks(connection: AsyncConnection, *, limit: int = 500) -> list[str]:
    """Delete chunks that nobody needs any more; returns the keys of their objects."""
    columns = upload_chunks.c
    # Of files that share a chunk, one may be complete long before another has its turn.
    needed = select(upload_assemblies.c.token_id, func.unnest(upload_assemblies.c.chunks)).where(
        upload_assemblies.c.fault.is_(None)
    )
    is_needed = tuple_(columns.token_id, columns.sha1).in_(needed)
    old = (
        select(columns.object_key)
        .where(
            or_(
                columns.last_used_at < func.now() - KEPT_FOR,
                (columns.used_up_at < func.now() - KEPT_USED_UP_FOR) & ~is_needed,
            )
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    deleted = await connection.scalars(
        delete(upload_chunks).where(columns.object_key.in_(old)).returning(columns.object_key)
    )
    return list(deleted)


async def find_known_objects(connection: AsyncConnection, keys: Collection[str]) -> set[str]:
    """Return those keys of objects that chunks have."""
    known = await connection.scalars(
        select(upload_chunks.c.object_key).where(upload_chunks.c.object_key.in_(sorted(keys)))
    )
    return set(known)


async def _update_chunks(
    connection: AsyncConnection, condition: ColumnElement[bool], **values: Any
) -> None:
    """Change chunks in the order of their keys, so that two processes do not lock one another."""
    columns = upload_chunks.c
    locked = (
        select(columns.token_id, columns.sha1)
        .where(condition)
        .order_by(columns.token_id, columns.sha1)
        .with_for_update()
        .cte("locked")
    )
    await connection.execute(
        update(upload_chunks)
        .where(columns.token_id == locked.c.token_id, columns.sha1 == locked.c.sha1)
        .values(**values)
    )


def _is_one_of(checksums: Collection[str]) -> ColumnElement[bool]:
    # One argument, however many there are: Postgres takes 32,767 at most.
    return upload_chunks.c.sha1 == any_(literal(sorted(checksums), ARRAY(Text)))
