"""Deletes the ids of sessions by which repeated reports are told apart, once a day.

Each session of an app leaves two rows or so, and their table has no index of days. So one process
reads it from end to end, some thousand pages in a transaction.
"""

from contextlib import suppress
from datetime import date, timedelta
from typing import Final

from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.db.partitions import days
from app.releases import expire
from app.retention import inventory, receipts

_NAME: Final = "session marks"
_PAGES_A_STEP: Final = 2_000
"""Some 16 MB, of which Postgres reads a gigabyte in a second or two."""


async def expire_session_marks(database: Database, *, longest_days: int | None) -> int:
    """Delete the ids of sessions that began too long ago, unless that was done today.

    Args:
        database: The database.
        longest_days: The most days that the settings of the server allow.

    Returns:
        The number of ids that were deleted.

    Raises:
        ServiceUnavailable: Postgres does not answer. The turn is given back if it can be; otherwise
            the rest goes on the next day.
    """
    async with database.transaction() as connection:
        if not await receipts.take_daily_turn(connection, _NAME):
            return 0
        today = await days.read_today(connection)
        rule_set = await inventory.read_rule_set(connection, longest_days=longest_days)
        pages = await expire.count_mark_pages(connection)
    before = today - timedelta(days=rule_set.server.mark_days)
    try:
        return await _delete_marks(database, before, pages)
    except BaseException:
        with suppress(ServiceUnavailable):
            async with database.transaction() as connection:
                await receipts.return_daily_turn(connection, _NAME)
        raise


async def _delete_marks(database: Database, before: date, pages: int) -> int:
    deleted = 0
    for first_page in range(0, pages, _PAGES_A_STEP):
        async with database.transaction() as connection:
            deleted += await expire.delete_old_marks(
                connection, before=before, first_page=first_page, pages=_PAGES_A_STEP
            )
    return deleted
