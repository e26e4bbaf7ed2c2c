"""An index for the list of what a project has handed out and not taken back."""

from alembic import op

revision = "0056"
down_revision = "0055"


def upgrade() -> None:
    # A table of some thousand rows, in which shares stay for thirty days after their end.
    op.execute(
        "create index ix_replay_shares_open on replay_shares (project_id, kind, id)"
        " where revoked_at is null"
    )
