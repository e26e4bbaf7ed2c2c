"""The object store of a database, so that a process with another one is noticed when it starts."""

from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.execute(
        """
        create table object_stores (
            id smallint not null default 1,
            store_id uuid not null,
            place text not null,
            claimed_at timestamptz not null default now(),
            constraint pk_object_stores primary key (id),
            constraint ck_object_stores_is_single check (id = 1)
        )
        """
    )
