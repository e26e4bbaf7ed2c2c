"""Tables of running processes, each of which renews its own row, and of what they share."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db.schema import metadata
from app.db.types import Hex32

processes: Final = Table(
    "processes",
    metadata,
    Column("process_id", Hex32, primary_key=True),
    Column("journal_id", Text),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("stopped_at", DateTime(timezone=True)),
    Column("is_stopping", Boolean, nullable=False, server_default=text("false")),
    Column("clock_ahead_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("backlog_entries", BigInteger, nullable=False, server_default=text("0")),
    Column("backlog_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("oldest_received_at", DateTime(timezone=True)),
    Column("spilled_seq", BigInteger),
    Column("journal_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("room_bytes", BigInteger),
    Column("reserve_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("outage", Text),
    Column("outage_kind", Text),
    Column("store", Text, nullable=False, server_default=text("''")),
    Column("database_connections", Integer, nullable=False, server_default=text("0")),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'")),
)

static_releases: Final = Table(
    "static_releases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("archive", LargeBinary, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

# One row for each kind of work that only one process does at a time.
duties: Final = Table(
    "duties",
    metadata,
    Column("name", Text, primary_key=True),
    Column("process_id", Hex32, nullable=False),
    Column("held_until", DateTime(timezone=True), nullable=False),
    # The time at which the work was last done, by any process.
    Column("done_at", DateTime(timezone=True)),
)

# The one store in which all processes keep objects.
object_stores: Final = Table(
    "object_stores",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("store_id", Hex32, nullable=False),
    Column("place", Text, nullable=False),
    Column("claimed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("id = 1", name="is_single"),
)
