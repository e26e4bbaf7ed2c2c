"""Indexes for the look, every few seconds, for files that wait for the sweep."""

from alembic import op

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    # The table is small in rest; a day that ends by retention leaves its marks for an hour.
    op.execute(
        "create index ix_file_outbox_unswept on file_outbox (id) where swept_at is null"
    )
    op.execute("create index ix_file_outbox_swept_at on file_outbox (swept_at)")
