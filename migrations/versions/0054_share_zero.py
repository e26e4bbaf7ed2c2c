"""Where the player's clock began when a range was handed out, so that the range stays in place."""

from alembic import op

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    # A constant default writes no row.
    op.execute("alter table replay_shares add column zero_at_ms bigint not null default 0")
