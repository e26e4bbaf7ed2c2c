"""Invitations to projects: a role waits until the person with the address takes it."""

from alembic import op

revision = "0022"
down_revision = "0021"

STATEMENTS = (
    """
    create table project_invitations (
        project_id bigint not null,
        email text not null,
        role text not null,
        invited_at timestamptz not null,
        constraint pk_project_invitations primary key (project_id, email),
        constraint fk_project_invitations_project_id_projects
            foreign key (project_id) references projects (id) on delete cascade,
        constraint ck_project_invitations_role_is_known
            check (role in ('owner', 'admin', 'member', 'viewer'))
    )
    """,
    "create index ix_project_invitations_email on project_invitations (email)",
    "create index ix_project_invitations_invited_at on project_invitations (invited_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
