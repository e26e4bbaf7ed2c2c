"""When a file of an erased event was swept: its place on the list outlives it for a while."""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    "alter table file_outbox add column swept_at timestamptz",
    "create index ix_file_outbox_object_key on file_outbox (object_key)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
