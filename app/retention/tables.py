"""Tables of what retention has ended, and of its runs."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    SmallInteger,
    Table,
    Text,
    text,
)

from app.db.schema import metadata

# What ended of a project and a day, and when the last of its objects was found to be gone.
day_receipts: Final = Table(
    "day_receipts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("retention_class", SmallInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    # Whether whole partitions were dropped; otherwise rows were deleted.
    Column("is_dropped", Boolean, nullable=False),
    Column("replays", BigInteger, nullable=False),
    # Rows of segments, events, spans, logs and files.
    Column("item_rows", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("objects", BigInteger, nullable=False, server_default=text("0")),
    Column("swept_at", DateTime(timezone=True)),
    Index(None, "project_id", "id"),
)
Index(
    "ix_day_receipts_unswept",
    day_receipts.c.id,
    postgresql_where=day_receipts.c.swept_at.is_(None),
)

# One row for each kind of work that only one process does at a time.
retention_runs: Final = Table(
    "retention_runs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("leased_until", DateTime(timezone=True)),
    # When somebody changed a rule; the next run begins at once.
    Column("wanted_at", DateTime(timezone=True)),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    # Why the last run did not finish, for people.
    Column("problem", Text),
)
