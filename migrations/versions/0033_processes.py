"""Running processes: a row for each, which it renews every few seconds.

The table is rewritten all the time and stays small: room in its pages lets Postgres change rows in
place, without touching its index.
"""

from alembic import op

revision = "0033"
down_revision = "0032"

STATEMENTS = (
    """
    create table processes (
        process_id uuid not null,
        journal_id text,
        host text not null,
        pid integer not null,
        roles text[] not null,
        version text not null,
        started_at timestamptz not null default now(),
        seen_at timestamptz not null default now(),
        stopped_at timestamptz,
        is_stopping boolean not null default false,
        clock_ahead_ms bigint not null default 0,
        backlog_entries bigint not null default 0,
        backlog_bytes bigint not null default 0,
        oldest_received_at timestamptz,
        spilled_seq bigint,
        journal_bytes bigint not null default 0,
        room_bytes bigint,
        reserve_bytes bigint not null default 0,
        outage text,
        outage_kind text,
        store text not null default '',
        database_connections integer not null default 0,
        counts jsonb not null default '{}',
        constraint pk_processes primary key (process_id)
    ) with (fillfactor = 50)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
