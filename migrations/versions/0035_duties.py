"""Duties: a row for each kind of work that one process of all does."""

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.execute(
        """
        create table duties (
            name text not null,
            process_id uuid not null,
            held_until timestamptz not null,
            done_at timestamptz,
            constraint pk_duties primary key (name)
        ) with (fillfactor = 50)
        """
    )
