"""Removes the packs that were stored for batches which were never committed."""

from datetime import date, datetime, timedelta
from typing import Final

from app.core import clock
from app.core.days import OLD_DAY
from app.storage import keys
from app.storage.port import ObjectStore

_CLOCK_SLACK: Final = timedelta(days=1)
_MOST_DAYS: Final = 400


async def remove_uncommitted_packs(
    objects: ObjectStore, journal_id: str, after_seq: int, *, since: datetime
) -> None:
    """Remove the packs of a journal after its mark.

    Call it when the mark is claimed: from then on no earlier owner can commit a batch, so nothing
    will ever point at these packs.

    Args:
        objects: The store with the packs.
        journal_id: The journal.
        after_seq: The last entry that is stored.
        since: The time at which it was stored, or the next one received.

    Raises:
        ServiceUnavailable: The storage does not answer.
    """
    days = {OLD_DAY, *_list_days(since - _CLOCK_SLACK, clock.now() + _CLOCK_SLACK)}
    for prefix in keys.make_block_prefixes(days, journal_id, after_seq + 1):
        for stored in await objects.list(prefix):
            if keys.read_pack_seq(stored.key) > after_seq:
                await objects.delete(stored.key)


def _list_days(first: datetime, last: datetime) -> list[date]:
    """List the days between two moments, both included; only the latest of very many."""
    days = (last.date() - first.date()).days
    return [last.date() - timedelta(days=ago) for ago in range(min(days + 1, _MOST_DAYS))]
