"""Limits on guessing by account and by network, and the networks that people sign in from."""

from alembic import op

revision = "0019"
down_revision = "0015"

STATEMENTS = (
    """
    create table sign_in_places (
        person_id bigint not null,
        network text not null,
        last_at timestamptz not null,
        constraint pk_sign_in_places primary key (person_id, network),
        constraint fk_sign_in_places_person_id_people
            foreign key (person_id) references people (id) on delete cascade
    )
    """,
    "create index ix_sign_in_places_last_at on sign_in_places (last_at)",
    "create index ix_sign_in_attempts_email_at on sign_in_attempts (email, at)",
    "create index ix_sign_in_attempts_address_at on sign_in_attempts (address, at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
