"""Issues: groups of events, and what is counted of them."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    # Events that are there already, and those the previous release adds while it still runs, are
    # grouped in the background.
    """
    alter table events add column issue_id uuid
    """,
    # Nothing read by this one.
    """
    drop index ix_events_newest
    """,
    """
    create index ix_events_issue_id
        on events (project_id, issue_id, received_at desc, event_id desc)
    """,
    """
    create index ix_events_ungrouped on events (project_id) where issue_id is null
    """,
    """
    create table issues (
        project_id bigint not null,
        issue_id uuid not null,
        grouping_version smallint not null,
        first_seen_at timestamptz not null,
        first_event_id uuid not null,
        first_release text,
        last_seen_at timestamptz not null,
        last_event_id uuid not null,
        last_release text,
        level text not null,
        kind text not null,
        title text not null,
        culprit text,
        platform text,
        events bigint not null,
        users bigint not null,
        replays bigint not null,
        status text default 'open' not null,
        status_at timestamptz,
        resolved_release text,
        is_regressed boolean default false not null,
        constraint pk_issues primary key (project_id, issue_id)
    )
     with (fillfactor = 80)
    """,
    """
    create table issue_hours (
        project_id bigint not null,
        issue_id uuid not null,
        hour timestamptz not null,
        events bigint not null,
        constraint pk_issue_hours primary key (project_id, issue_id, hour)
    )
     with (fillfactor = 80)
    """,
    """
    create table issue_users (
        project_id bigint not null,
        issue_id uuid not null,
        user_hash uuid not null,
        constraint pk_issue_users primary key (project_id, issue_id, user_hash)
    )
    """,
    """
    create table issue_replays (
        project_id bigint not null,
        issue_id uuid not null,
        replay_id uuid not null,
        constraint pk_issue_replays primary key (project_id, issue_id, replay_id)
    )
    """,
    """
    create table issue_releases (
        project_id bigint not null,
        issue_id uuid not null,
        release text not null,
        constraint pk_issue_releases primary key (project_id, issue_id, release)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
