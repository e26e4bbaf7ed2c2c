"""The names of the objects of each debug file, for backups."""

from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.execute("alter table debug_files add column object_names text[] not null default '{}'")
