"""The partitions of a day: how they are made, listed and dropped.

    segments ─┬─ segments_old           rows of releases before days (`OLD_DAY`)
              ├─ segments_20261130_1    day and retention class
              └─ segments_20261130_3

The tables in `FAMILIES` are divided like this. The role that serves requests owns no table, so it
makes and drops partitions through functions that belong to the owner (migration 0026).

The key of a row is unique in its partition only, since the tables above have no unique index: it
would have to begin with day and class, and would cost each row 8 bytes more.
"""

import re
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import OLD_DAY, RetentionClass
from app.db.engine import get_driver

FAMILIES: Final = ("segments", "events", "span_blocks", "logs", "attachments")
"""The tables that are divided into partitions."""
TODAY_SQL: Final = "(now() at time zone 'utc')::date"
"""The day on which a transaction began, as SQL."""
TODAY: Final = text(TODAY_SQL)

_DAYS_AHEAD: Final = 1
_NAME: Final = re.compile(r"([a-z_]+)_(\d{8})_([0-3])\Z")
_ADD: Final = """
    select add_day_partition(p.family, p.day, p.class)
    from unnest($1::text[], $2::date[], $3::smallint[]) as p (family, day, class)
    """
_DROP: Final = "select drop_day_partition($1, $2, $3::smallint)"
_DROP_OLD: Final = "select drop_old_partition($1)"
_LIST: Final = """
    select c.relname::text as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = any(array(
        select to_regclass(family)::oid from unnest($1::text[]) as family
    ))
    order by 1
    """
_LOCK_WAIT_MS: Final = 2_000
"""Everything that reads or writes the table waits behind a drop that waits."""


class Partition(NamedTuple):
    """The rows of one table that have one day and one retention class."""

    family: str
    """The table, one of `FAMILIES`."""
    day: date
    retention_class: int

    @property
    def name(self) -> str:
        """The name of the partition in Postgres."""
        return f"{self.family}_{self.day:%Y%m%d}_{self.retention_class}"


async def read_today(connection: AsyncConnection) -> date:
    """Return the day by Postgres' clock on which the transaction began."""
    driver = await get_driver(connection)
    today: date = await driver.fetchval(f"select {TODAY_SQL}")
    return today


async def ensure_partitions(connection: AsyncConnection, wanted: Iterable[Partition]) -> None:
    """Make the partitions that are not there yet.

    Others go on reading and writing meanwhile. Two processes may ask for the same one: the second
    waits until the first has committed. What has `OLD_DAY` lies in the partition of old releases.
    """
    ordered = sorted({partition for partition in wanted if partition.day != OLD_DAY})
    if ordered:
        driver = await get_driver(connection)
        await driver.execute(_ADD, *zip(*ordered, strict=True))


async def make_days_ahead(connection: AsyncConnection) -> None:
    """Make the partitions of tomorrow, of each kind that there is today.

    Digest would make them at midnight, but every process at once.
    """
    today = await read_today(connection)
    present = await list_partitions(connection)
    await ensure_partitions(
        connection,
        [
            partition._replace(day=date.fromordinal(today.toordinal() + ahead))
            for partition in present
            if partition.day == today and partition.retention_class != RetentionClass.KEPT
            for ahead in range(1, _DAYS_AHEAD + 1)
        ],
    )


async def list_partitions(
    connection: AsyncConnection, families: Collection[str] = FAMILIES
) -> list[Partition]:
    """List the partitions of some tables, but for those of releases before days."""
    driver = await get_driver(connection)
    names = [row["name"] for row in await driver.fetch(_LIST, list(families))]
    return sorted(
        Partition(match[1], datetime.strptime(match[2], "%Y%m%d").date(), int(match[3]))  # noqa: DTZ007 - a date has no zone
        for match in map(_NAME.match, names)
        if match
    )


async def drop_partition(connection: AsyncConnection, partition: Partition) -> bool:
    """Drop the rows of a day and class at once; returns False if there is no such partition.

    Raises:
        DatabaseUnavailable: A transaction that uses the table lasts longer than 2 s.
    """
    driver = await get_driver(connection)
    await driver.execute(f"set local lock_timeout = {_LOCK_WAIT_MS}")
    is_gone: bool = await driver.fetchval(
        _DROP, partition.family, partition.day, partition.retention_class
    )
    return is_gone


async def drop_old_partition(connection: AsyncConnection, family: str) -> bool:
    """Drop the partition of releases before days, if it is empty; returns whether it was.

    Raises:
        DatabaseUnavailable: A transaction that uses the table lasts longer than 2 s.
    """
    driver = await get_driver(connection)
    await driver.execute(f"set local lock_timeout = {_LOCK_WAIT_MS}")
    is_gone: bool = await driver.fetchval(_DROP_OLD, family)
    return is_gone
