"""Sign-ins by an OpenID Connect provider: who people are there, checks, and roles of groups."""

from alembic import op

revision = "0027"
down_revision = "0026"

STATEMENTS = (
    """
    create table identities (
        issuer text not null,
        subject text not null,
        person_id bigint not null,
        linked_at timestamptz not null,
        last_at timestamptz not null,
        constraint pk_identities primary key (issuer, subject),
        constraint uq_identities_person_id_issuer unique (person_id, issuer),
        constraint fk_identities_person_id_people
            foreign key (person_id) references people (id) on delete cascade
    )
    """,
    """
    create table provider_checks (
        token_sha256 bytea not null,
        issuer text not null,
        subject text not null,
        sealed_tokens bytea not null,
        checked_at timestamptz not null,
        check_at timestamptz not null,
        unanswered_since timestamptz,
        constraint pk_provider_checks primary key (token_sha256),
        constraint fk_provider_checks_token_sha256_sign_ins
            foreign key (token_sha256) references sign_ins (token_sha256) on delete cascade
    )
    """,
    """
    create table group_roles (
        project_id bigint not null,
        person_id bigint not null,
        role text not null,
        constraint pk_group_roles primary key (project_id, person_id),
        constraint fk_group_roles_project_id_person_id_members
            foreign key (project_id, person_id) references members (project_id, person_id)
            on delete cascade
    )
    """,
    "create index ix_group_roles_person_id on group_roles (person_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
