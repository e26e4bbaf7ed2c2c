"""Where the clock of a replay's phone was set, and the drifts of its envelopes.

Replays that are stored already keep nulls: they play as before.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

STATEMENTS = (
    """
    alter table replays
        add column drift_low_ms bigint,
        add column drift_high_ms bigint,
        add column clock_steps jsonb
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
