"""Clips of replays, and how much they take."""

from alembic import op

revision = "0052"
down_revision = "0051"

_SUMS = """
    select project_id, day, {sign} count(*) as items, {sign} sum(size_bytes) as size_bytes
    from {rows} where object_key is not null group by project_id, day
    """
STATEMENTS = (
    """
    create table replay_clips (
        id uuid not null,
        project_id bigint not null,
        replay_id uuid not null,
        day date not null,
        result uuid not null,
        format text not null,
        from_ms bigint,
        to_ms bigint,
        has_taps boolean not null,
        has_caption boolean not null,
        has_body boolean not null,
        state text not null default 'waiting',
        due_at timestamptz not null default now(),
        leased_until timestamptz,
        lease uuid,
        tries smallint not null default 0,
        percent smallint not null default 0,
        fault text,
        made_by bigint,
        made_at timestamptz not null default now(),
        ended_at timestamptz,
        object_key text,
        size_bytes bigint,
        width integer,
        height integer,
        duration_ms bigint,
        constraint pk_replay_clips primary key (id),
        constraint uq_replay_clips_project_id unique (project_id, replay_id, result)
    )
    """,
    "create index ix_replay_clips_due on replay_clips (due_at) where state = 'waiting'",
    # As in migration 0032: whoever deletes a clip, its bytes are subtracted.
    f"""
    create function subtract_replay_clips() returns trigger language plpgsql as $$
    begin
        update storage_days s
        set items = s.items + g.items, size_bytes = s.size_bytes + g.size_bytes
        from ({_SUMS.format(sign="-", rows="old_rows")}) g
        where s.project_id = g.project_id and s.day = g.day and s.kind = 'clips';
        return null;
    end
    $$
    """,
    """
    create trigger subtract_storage after delete on replay_clips
        referencing old table as old_rows
        for each statement execute function subtract_replay_clips()
    """,
    f"""
    create function count_replay_clips() returns trigger language plpgsql as $$
    begin
        insert into storage_days as s (project_id, day, kind, items, size_bytes)
        select project_id, day, 'clips', sum(items), sum(size_bytes)
        from (
            {_SUMS.format(sign="", rows="new_rows")}
            union all {_SUMS.format(sign="-", rows="old_rows")}
        ) c
        group by 1, 2 having sum(items) <> 0 or sum(size_bytes) <> 0 order by 1, 2
        on conflict (project_id, day, kind) do update
            set items = s.items + excluded.items, size_bytes = s.size_bytes + excluded.size_bytes;
        return null;
    end
    $$
    """,
    """
    create trigger count_storage after update on replay_clips
        referencing old table as old_rows new table as new_rows
        for each statement execute function count_replay_clips()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
