"""Indexes by which the messages that are on their way, and those of a target, are found."""

from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    op.execute(
        "create index ix_outbox_messages_leased on outbox_messages (leased_until)"
        " where state = 'waiting'"
    )
    op.execute(
        "create index ix_outbox_messages_target_id on outbox_messages (target_id)"
        " where state = 'waiting'"
    )
