"""Indexes: the newest events that name a replay; spans of senders whose clock was far off."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    # Which of the replays that events name never came? Asked for one project, the newest first.
    """
    create index ix_events_naming on events (project_id, received_at desc)
    where replay_id is not null
    """,
    # Only these have two times, and need to be looked at by both.
    """
    create index ix_spans_drifted on spans (trace_id, started_at) where drift_ms <> 0
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
