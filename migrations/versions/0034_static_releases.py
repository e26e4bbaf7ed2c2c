"""Static files of the releases that ran last, so that each process can answer for all of them."""

from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.execute(
        """
        create table static_releases (
            name text not null,
            archive bytea not null,
            started_at timestamptz not null default now(),
            constraint pk_static_releases primary key (name)
        )
        """
    )
    # The archive is compressed already.
    op.execute("alter table static_releases alter column archive set storage external")
