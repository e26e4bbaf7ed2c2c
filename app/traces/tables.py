"""Tables of spans and logs; a transaction's root is a span like any other.

`transactions` and `spans` hold what releases before this one stored: `backfill.py` moves it.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from app.db.partitions.days import TODAY
from app.db.schema import metadata
from app.db.types import Hex32
from app.db.windows import FAR

# Spans that came together: `formats/stored/span_block.py` says how they lie in `content`.
span_blocks: Final = Table(
    "span_blocks",
    metadata,
    # The day on which it was stored, and the class of its project: the partition (`db/partitions`).
    Column("day", Date, nullable=False, server_default=TODAY),
    Column("retention_class", SmallInteger, nullable=False, server_default=text("3")),
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    # Of a transaction's own block, its event id.
    Column("block_id", Hex32, primary_key=True),
    Column("transaction_id", Hex32),
    Column("trace_id", Hex32, nullable=False),
    # All spans of a block name the same, or none does.
    Column("replay_id", Hex32),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("drift_ms", BigInteger, nullable=False),
    Column("name", Text),
    Column("op", Text),
    Column("status", Text),
    Column("platform", Text),
    Column("release", Text),
    Column("environment", Text),
    Column("spans", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
Index("ix_span_blocks_trace_id", span_blocks.c.trace_id, span_blocks.c.started_at)
Index(
    "ix_span_blocks_far",
    span_blocks.c.trace_id,
    span_blocks.c.started_at,
    postgresql_where=text(FAR),
)
Index(
    "ix_span_blocks_replay_id",
    span_blocks.c.replay_id,
    postgresql_where=span_blocks.c.replay_id.is_not(None),
)

transactions: Final = Table(
    "transactions",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("event_id", Hex32, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("drift_ms", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("op", Text),
    Column("status", Text),
    Column("platform", Text),
    Column("release", Text),
    Column("environment", Text),
    Column("sdk_name", Text),
    Column("trace_id", Hex32),
    Column("span_id", Text),
    Column("replay_id", Hex32),
    Column("spans", Integer, nullable=False),
    # What the span rows do not hold: contexts, tags, measurements, user.
    Column("payload", LargeBinary, nullable=False),
)
Index("ix_transactions_newest", transactions.c.project_id, transactions.c.received_at.desc())
Index(
    "ix_transactions_far",
    transactions.c.trace_id,
    transactions.c.started_at,
    postgresql_where=text(FAR),
)
Index(
    "ix_transactions_replay_id",
    transactions.c.replay_id,
    postgresql_where=transactions.c.replay_id.is_not(None),
)
Index(
    "ix_transactions_trace_id",
    transactions.c.trace_id,
    transactions.c.started_at,
    postgresql_where=transactions.c.trace_id.is_not(None),
)

spans: Final = Table(
    "spans",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("trace_id", Hex32, primary_key=True),
    Column("span_id", Text, primary_key=True),
    Column("parent_span_id", Text),
    Column("transaction_id", Hex32),
    Column("is_segment", Boolean, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("drift_ms", BigInteger, nullable=False),
    Column("op", Text),
    Column("description", Text),
    Column("status", Text),
    Column("origin", Text),
    Column("service", Text),
    Column("replay_id", Hex32),
    Column("data", LargeBinary, nullable=False),
)
Index("ix_spans_trace_id", spans.c.trace_id, spans.c.started_at)
Index("ix_spans_far", spans.c.trace_id, spans.c.started_at, postgresql_where=text(FAR))
Index(
    "ix_spans_replay_id",
    spans.c.replay_id,
    postgresql_where=spans.c.replay_id.is_not(None),
)

logs: Final = Table(
    "logs",
    metadata,
    # The day on which it was stored, and the class of its project: the partition (`db/partitions`).
    Column("day", Date, nullable=False, server_default=TODAY),
    Column("retention_class", SmallInteger, nullable=False, server_default=text("3")),
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    # A hash of the record: it has no id on the wire.
    Column("log_id", Hex32, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("drift_ms", BigInteger, nullable=False),
    Column("level", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("trace_id", Hex32),
    Column("span_id", Text),
    Column("replay_id", Hex32),
    Column("release", Text),
    Column("environment", Text),
    Column("attributes", LargeBinary, nullable=False),
)
Index("ix_logs_newest", logs.c.project_id, logs.c.received_at.desc())
Index("ix_logs_replay_id", logs.c.replay_id, postgresql_where=logs.c.replay_id.is_not(None))
Index("ix_logs_trace_id", logs.c.trace_id, logs.c.at, postgresql_where=logs.c.trace_id.is_not(None))
Index("ix_logs_far", logs.c.trace_id, logs.c.at, postgresql_where=text(FAR))
