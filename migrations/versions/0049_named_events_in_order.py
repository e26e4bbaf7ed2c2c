"""The errors that name a replay, in the order in which they arrived.

An index without that order left it to the plan which errors are the first 20,000 of a replay, and
two parts of one list could be read by different plans. Digest of other processes waits while the
index is built, and keeps what arrives in the journal.
"""

from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    op.execute(
        "create index ix_events_replay_id_received_at on events (replay_id, received_at)"
        " where replay_id is not null"
    )
    op.execute("drop index ix_events_replay_id")
