"""Clear stacks of events, the debug files that events miss, and issues whose events moved.

The events that wait to be symbolicated lie in a queue, so that any process may take some.
"""

from alembic import op

revision = "0040"
down_revision = "0039"

# As in migration 0032, and now the clear stack counts as well.
_AMOUNTS = "count(*) as items, sum(900 + octet_length(payload) + coalesce(octet_length(symbolicated), 0)) as size_bytes"


def _sums(source: str) -> str:
    return f"""
        select project_id, day, 'events' as kind, {_AMOUNTS} from {source} group by project_id, day
    """


STATEMENTS = (
    # Nullable and without a default, so that no row is written; partitions follow their parent.
    "alter table events add column symbolicated bytea",
    # It is compressed already.
    "alter table events alter column symbolicated set storage external",
    f"""
    create or replace function subtract_events() returns trigger language plpgsql as $$
    begin
        update storage_days s
        set items = s.items - g.items, size_bytes = s.size_bytes - g.size_bytes
        from ({_sums("old_rows")}) g
        where s.project_id = g.project_id and s.day = g.day and s.kind = g.kind;
        delete from missing_files m using old_rows o
        where o.symbolicated is not null
          and m.project_id = o.project_id and m.event_id = o.event_id;
        return null;
    end
    $$
    """,
    f"""
    create or replace function move_events() returns trigger language plpgsql as $$
    begin
        insert into storage_days as s (project_id, day, kind, items, size_bytes)
        select project_id, day, kind, sum(items), sum(size_bytes)
        from (
            {_sums("new_rows")} union all
            select project_id, day, kind, -items, -size_bytes from ({_sums("old_rows")}) o
        ) c
        group by 1, 2, 3 having sum(items) <> 0 or sum(size_bytes) <> 0 order by 1, 2, 3
        on conflict (project_id, day, kind) do update
            set items = s.items + excluded.items, size_bytes = s.size_bytes + excluded.size_bytes;
        return null;
    end
    $$
    """,
    """
    create table missing_files (
        project_id bigint not null,
        event_id uuid not null,
        kind text not null,
        file_key text not null,
        name text not null default '',
        day date not null,
        noted_at timestamptz not null default now(),
        debug_id text,
        arch text,
        release text,
        dist text,
        frames integer not null,
        reason text not null,
        constraint pk_missing_files primary key (project_id, event_id, kind, file_key, name)
    )
    """,
    """
    create index ix_missing_files_newest
        on missing_files (project_id, file_key, noted_at desc, event_id desc)
    """,
    "create index ix_missing_files_day on missing_files (day)",
    """
    create table symbolication_queue (
        project_id bigint not null,
        event_id uuid not null,
        day date not null,
        queued_at timestamptz not null default now(),
        due_at timestamptz not null default now(),
        tries smallint not null default 0,
        constraint pk_symbolication_queue primary key (project_id, event_id)
    )
    """,
    "create index ix_symbolication_queue_due_at on symbolication_queue (due_at)",
    """
    create table issue_moves (
        project_id bigint not null,
        issue_id uuid not null,
        target_id uuid not null,
        events bigint not null,
        moved_at timestamptz not null default now(),
        constraint pk_issue_moves primary key (project_id, issue_id, target_id)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
