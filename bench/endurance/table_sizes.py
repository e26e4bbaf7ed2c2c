"""Reads how large the tables of a database are, partitions counted with their table."""

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg

_SIZES: Final = """
    select coalesce(parent.relname, c.relname)::text as name,
        sum(pg_table_size(c.oid))::bigint as table_bytes,
        sum(pg_indexes_size(c.oid))::bigint as index_bytes
    from pg_class c
    left join pg_inherits i on i.inhrelid = c.oid
    left join pg_class parent on parent.oid = i.inhparent
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
    group by 1
    """


async def read_table_sizes(connection: "asyncpg.Connection[asyncpg.Record]") -> Counter[str]:
    """Read the bytes of each table, and of its indexes as `<table> indexes`."""
    sizes: Counter[str] = Counter()
    for row in await connection.fetch(_SIZES):
        sizes[row["name"]] = row["table_bytes"]
        sizes[f"{row['name']} indexes"] = row["index_bytes"]
    return sizes
