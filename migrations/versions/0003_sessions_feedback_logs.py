"""Sessions of releases, feedback, logs, attachments."""

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
    """
    create table feedback (
        project_id bigint not null,
        event_id uuid not null,
        item_type text not null,
        received_at timestamptz not null,
        at timestamptz not null,
        drift_ms bigint not null,
        message text not null,
        name text,
        email text,
        url text,
        associated_event_id uuid,
        replay_id uuid,
        trace_id uuid,
        platform text,
        release text,
        environment text,
        constraint pk_feedback primary key (project_id, event_id)
    )
    """,
    """
    create index ix_feedback_newest on feedback (project_id, received_at desc)
    """,
    """
    create index ix_feedback_associated_event_id on feedback (project_id, associated_event_id)
        where associated_event_id is not null
    """,
    """
    create index ix_feedback_replay_id on feedback (replay_id) where replay_id is not null
    """,
    """
    create index ix_feedback_trace_id on feedback (trace_id, at) where trace_id is not null
    """,
    """
    create table logs (
        project_id bigint not null,
        log_id uuid not null,
        received_at timestamptz not null,
        at timestamptz not null,
        drift_ms bigint not null,
        level text not null,
        body text not null,
        trace_id uuid,
        span_id text,
        replay_id uuid,
        release text,
        environment text,
        attributes bytea not null,
        constraint pk_logs primary key (project_id, log_id)
    )
    """,
    """
    create index ix_logs_newest on logs (project_id, received_at desc)
    """,
    """
    create index ix_logs_replay_id on logs (replay_id) where replay_id is not null
    """,
    """
    create index ix_logs_trace_id on logs (trace_id, at) where trace_id is not null
    """,
    """
    create table attachments (
        project_id bigint not null,
        event_id uuid not null,
        filename text not null,
        sha256 text not null,
        content_type text,
        attachment_type text not null,
        received_at timestamptz not null,
        object_key text not null,
        size_bytes bigint not null,
        constraint pk_attachments primary key (project_id, event_id, filename, sha256)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
