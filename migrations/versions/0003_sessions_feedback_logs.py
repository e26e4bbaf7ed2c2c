"""Sessions of releases."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
    create table release_sessions (
        project_id bigint not null,
        release text not null,
        environment text not null,
        day date not null,
        status text not null,
        quantity bigint not null,
        constraint pk_release_sessions
            primary key (project_id, release, environment, day, status)
    )
    """,
    """
    create table session_marks (
        project_id bigint not null,
        sid uuid not null,
        status text not null,
        day date not null,
        constraint pk_session_marks primary key (project_id, sid, status)
    )
    """,
    """
    create index ix_release_sessions_day on release_sessions (project_id, day desc)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
