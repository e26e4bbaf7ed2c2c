"""Marks: how far each journal has been digested, written with the rows of each batch.

    claim ─► epoch + 1, stored_seq ─► batch: move from the seq and epoch that were read last
                                              └─ refused? somebody claimed it, or Postgres went back

Whoever digests a journal claims its mark first, which raises the mark's epoch. A mark is moved by a
compare-and-set of epoch and seq, so two things cannot go unseen: another process that digests the
same journal, and a Postgres that lost commits when a standby took over. In both cases
`MarkMovedError` ends the work; who still wants to digest the journal claims the mark again and goes
on after the seq that it has then.

A release before epochs moves marks without comparing them, and never claims those of this release.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Integer, Interval, bindparam, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.ingest.digest.tables import journal_marks

_KEPT_FOR: Final = timedelta(days=90)

# Text, because building this anew costs every batch a millisecond. It also lets Postgres end the
# transaction when this process is frozen or cut off for 30 seconds: else the row would stay locked
# for hours, for everybody who wants to adopt the journal. That costs no round trip of its own here.
_MOVE: Final = text(
    """
    update journal_marks set stored_seq = :seq, moved_at = now()
    where journal_id = :journal_id and owner_epoch = :epoch and stored_seq = :previous
    returning set_config('idle_in_transaction_session_timeout', '30s', true)
    """
).bindparams(
    bindparam("seq", type_=BigInteger),
    bindparam("previous", type_=BigInteger),
    bindparam("epoch", type_=Integer),
)
_CLAIM: Final = """
    insert into journal_marks as mark (journal_id, stored_seq, moved_at, owner_epoch, claimed_at)
    values (:journal_id, 0, now(), 1, now())
    on conflict (journal_id) do update
        set owner_epoch = mark.owner_epoch + 1, claimed_at = now()
        {condition}
    returning owner_epoch, stored_seq, moved_at, now() - moved_at as age,
        set_config('idle_in_transaction_session_timeout', '30s', true)
"""
_CLAIM_ANY: Final = text(_CLAIM.format(condition=""))
_CLAIM_UNUSED: Final = text(
    _CLAIM.format(condition="where greatest(mark.moved_at, mark.claimed_at) < now() - :unused_for")
).bindparams(bindparam("unused_for", type_=Interval))


class MarkMovedError(Exception):
    """The mark of a journal is not where this process left it.

    Another process has claimed it, or Postgres went back in time. Nothing was stored.
    """


@dataclass(frozen=True, slots=True)
class JournalRange:
    """The entries of a journal that one batch is made of."""

    journal_id: str
    first_seq: int
    last_seq: int
    """Everything up to this entry is stored once the batch is."""


@dataclass(slots=True)
class ClaimedMark:
    """The mark of a journal as the process that claimed it last saw it."""

    journal_id: str
    epoch: int
    stored_seq: int
    """The last entry that is stored; 0 if none is."""
    moved_at: datetime
    """The time at which that was stored, by the clock of Postgres."""
    age: timedelta
    """The time since then, when the mark was claimed."""


@dataclass(frozen=True, slots=True)
class MarkPosition:
    """The epoch and the seq of a mark, as they are in Postgres."""

    epoch: int
    stored_seq: int


async def claim_mark(connection: AsyncConnection, journal_id: str) -> ClaimedMark:
    """Make this process the owner of a mark, once nothing of an earlier owner is under way.

    A commit outlives the process that asked for it. Writing the row waits for it; reading would
    not.
    """
    claimed = await connection.execute(_CLAIM_ANY, {"journal_id": journal_id})
    return ClaimedMark(journal_id, *claimed.one()[:4])


async def claim_unused_mark(
    connection: AsyncConnection, journal_id: str, *, unused_for: timedelta
) -> ClaimedMark | None:
    """Claim a mark unless it was moved or claimed lately: then its owner is alive.

    Returns:
        None if the mark is in use.
    """
    claimed = await connection.execute(
        _CLAIM_UNUSED, {"journal_id": journal_id, "unused_for": unused_for}
    )
    row = claimed.first()
    return None if row is None else ClaimedMark(journal_id, *row[:4])


async def move_mark(connection: AsyncConnection, mark: ClaimedMark, seq: int) -> bool:
    """Move a mark to an entry in the transaction that stores everything up to it.

    The caller notes the new seq in `mark` once the transaction is committed.

    Returns:
        False if the mark is not where its owner left it.
    """
    moved = await connection.execute(
        _MOVE,
        {
            "journal_id": mark.journal_id,
            "epoch": mark.epoch,
            "previous": mark.stored_seq,
            "seq": seq,
        },
    )
    return moved.first() is not None


async def read_mark(connection: AsyncConnection, journal_id: str) -> MarkPosition | None:
    """Read where a mark is; None if there is none."""
    columns = journal_marks.c
    found = await connection.execute(
        select(columns.owner_epoch, columns.stored_seq).where(columns.journal_id == journal_id)
    )
    row = found.first()
    return None if row is None else MarkPosition(*row)


async def delete_old_marks(connection: AsyncConnection, *, in_use: Collection[str]) -> None:
    """Delete the marks of journals that were adopted from the bucket a quarter of a year ago.

    Until then their hosts may come back, with a folder that goes on behind the mark.
    """
    columns = journal_marks.c
    await connection.execute(
        delete(journal_marks).where(
            columns.moved_at < func.now() - _KEPT_FOR, columns.journal_id.not_in(list(in_use))
        )
    )


async def delete_mark(connection: AsyncConnection, mark: ClaimedMark) -> None:
    """Delete the mark of a journal that is gone, unless somebody has claimed it meanwhile."""
    columns = journal_marks.c
    await connection.execute(
        delete(journal_marks).where(
            columns.journal_id == mark.journal_id, columns.owner_epoch == mark.epoch
        )
    )
