"""The span that caused the span of an event: it places errors of services that send no spans."""

from alembic import op

revision = "0020"
down_revision = "0019"

STATEMENTS = ("alter table events add column parent_span_id text",)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
