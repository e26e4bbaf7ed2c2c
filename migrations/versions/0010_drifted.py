"""Indexes of events, transactions and logs of senders whose clock was far off, as spans have."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    "create index ix_events_drifted on events (trace_id, at) where drift_ms <> 0",
    "create index ix_transactions_drifted on transactions (trace_id, started_at)"
    " where drift_ms <> 0",
    "create index ix_logs_drifted on logs (trace_id, at) where drift_ms <> 0",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
