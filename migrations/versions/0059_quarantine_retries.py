"""Columns that say which quarantined envelopes somebody wants digested again."""

from alembic import op

revision = "0059"
down_revision = "0058"


def upgrade() -> None:
    # The table has a thousand rows at most.
    op.execute(
        "alter table quarantine add column retry_asked_at timestamptz, add column retry_fault text"
    )
    op.execute(
        "create index ix_quarantine_retry_asked_at on quarantine (retry_asked_at)"
        " where retry_asked_at is not null"
    )
