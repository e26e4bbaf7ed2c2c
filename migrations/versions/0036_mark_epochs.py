"""Marks of journals get an owner: moving one is a compare-and-set of its epoch and its seq.

The release before inserts and moves marks without these columns, which the default allows.
"""

from alembic import op

revision = "0036"
down_revision = "0035"

STATEMENTS = (
    "alter table journal_marks add column owner_epoch integer not null default 0",
    "alter table journal_marks add column claimed_at timestamptz",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
