"""Adds counts of what keys have sent, and limits of what projects may store."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    alter table projects add column stored_bytes_limit bigint
    """,
    """
    create table key_spending (
        public_key text not null,
        envelopes double precision not null,
        size_bytes double precision not null,
        constraint pk_key_spending primary key (public_key),
        constraint fk_key_spending_public_key_project_keys
            foreign key (public_key) references project_keys (public_key) on delete cascade
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
