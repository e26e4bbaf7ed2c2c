"""Marks: how far each journal has been digested, written with the rows of each batch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, DateTime, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.ingest.digest.tables import journal_marks

# Text, because building this anew costs every batch a millisecond.
_MOVE: Final = text(
    """
    insert into journal_marks as mark (journal_id, stored_seq, moved_at)
    values (:journal_id, :seq, :at)
    on conflict (journal_id) do update
        set stored_seq = excluded.stored_seq, moved_at = excluded.moved_at
    where mark.stored_seq < excluded.stored_seq returning stored_seq
    """
).bindparams(bindparam("seq", type_=BigInteger), bindparam("at", type_=DateTime(timezone=True)))


@dataclass(frozen=True, slots=True)
class JournalRange:
    """The entries of a journal that one batch is made of."""

    journal_id: str
    first_seq: int
    last_seq: int
    """Everything up to this entry is stored once the batch is."""


async def read_mark(connection: AsyncConnection, journal_id: str) -> int:
    """Return the last entry of a journal that is stored; 0 if none is."""
    seq = await connection.scalar(
        select(journal_marks.c.stored_seq).where(journal_marks.c.journal_id == journal_id)
    )
    return seq or 0


@dataclass(frozen=True, slots=True)
class JournalMark:
    """How far a journal is digested."""

    seq: int
    """The last entry that is stored; 0 if none is."""
    moved_at: datetime
    """When it was stored."""


async def claim_mark(connection: AsyncConnection, journal_id: str) -> JournalMark:
    """Read how far a dead process came, once nothing of it is under way in Postgres.

    A commit outlives the process that asked for it. Writing the row waits for it; reading would
    not.
    """
    statement = insert(journal_marks).values(
        journal_id=journal_id, stored_seq=0, moved_at=clock.now()
    )
    claimed = await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["journal_id"], set_={"stored_seq": journal_marks.c.stored_seq}
        ).returning(journal_marks.c.stored_seq, journal_marks.c.moved_at)
    )
    return JournalMark(*claimed.one())


async def move_mark(connection: AsyncConnection, entries: JournalRange) -> bool:
    """Move the mark of a journal past some entries; returns False if it is there already."""
    moved = await connection.execute(
        _MOVE, {"journal_id": entries.journal_id, "seq": entries.last_seq, "at": clock.now()}
    )
    return moved.first() is not None


async def delete_mark(connection: AsyncConnection, journal_id: str) -> None:
    """Delete the mark of a journal whose folder is gone."""
    await connection.execute(delete(journal_marks).where(journal_marks.c.journal_id == journal_id))
