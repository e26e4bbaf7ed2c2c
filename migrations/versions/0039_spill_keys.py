"""Keys with which processes encrypt what they spill into the bucket."""

from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.execute(
        """
        create table spill_keys (
            id integer generated always as identity,
            secret bytea not null,
            made_at timestamptz not null default now(),
            constraint pk_spill_keys primary key (id)
        )
        """
    )
