"""What is kept for how long: rules of projects and of the server, pins and legal holds of replays.

A limit that was set before goes on turning new data away, and no age is set for anybody.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

STATEMENTS = (
    """
    alter table projects
        add column follows_server boolean not null default true,
        add column keep_days integer,
        add column at_limit text not null default 'refuse',
        add column keep_queries text[] not null default '{}',
        add column rest_hours integer,
        add constraint ck_projects_keep_days_is_positive check (keep_days > 0),
        add constraint ck_projects_at_limit_is_known check (at_limit in ('refuse', 'delete_oldest')),
        add constraint ck_projects_rest_hours_is_positive check (rest_hours > 0)
    """,
    """
    create table server_settings (
        name text not null,
        value integer,
        changed_at timestamptz not null default now(),
        changed_by bigint,
        constraint pk_server_settings primary key (name)
    )
    """,
    """
    create table replay_pins (
        project_id bigint not null,
        replay_id uuid not null,
        pinned_at timestamptz not null default now(),
        pinned_by bigint,
        constraint pk_replay_pins primary key (project_id, replay_id)
    )
    """,
    """
    create table replay_holds (
        project_id bigint not null,
        replay_id uuid not null,
        name text not null,
        reason text not null,
        expires_at timestamptz not null,
        held_at timestamptz not null default now(),
        held_by bigint,
        constraint pk_replay_holds primary key (project_id, replay_id, name)
    )
    """,
    """
    create table keep_checks (
        project_id bigint not null,
        replay_id uuid not null,
        closed_at timestamptz not null,
        constraint pk_keep_checks primary key (project_id, replay_id)
    )
    """,
    "create index ix_keep_checks_closed_at on keep_checks (project_id, closed_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
