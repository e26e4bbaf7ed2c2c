"""Days: rows lie in partitions by day and retention class, so that a whole day can be dropped.

A replay has the day on which its first row was written, and its segments have the day of their
replay. Events, spans, logs and files have the day on which they were stored. The tables of releases
before become the partitions of everything older; rows leave them in the background.

Nothing is copied: a column with a constant default is not written, and the old tables are attached
with their indexes. Postgres reads each of them once, to check that its rows belong there.

The column `seq` of the journal marks has another name now. The first statement of each batch of the
release before needs it, so that its digest waits until its process is replaced, and never writes a
row into the wrong day. Its journal keeps what it answered meanwhile.
"""

from alembic import op

revision = "0026"
down_revision = "0025"

_OLD_DAY = "1970-01-01"
_TODAY = "(now() at time zone 'utc')::date"
_FAR = "abs(drift_ms) > 60000"
_NAMES_REPLAY = "replay_id is not null"
_HAS_TRACE = "trace_id is not null"

_KEYS = {
    "segments": "project_id, replay_id, segment_id",
    "events": "project_id, event_id",
    "span_blocks": "project_id, block_id",
    "logs": "project_id, log_id",
    "attachments": "project_id, event_id, filename, sha256",
}
_INDEXES = {
    "segments": {},
    "events": {
        "issue_id": "(project_id, issue_id, received_at desc, event_id desc)",
        "ungrouped": "(project_id) where issue_id is null",
        "replay_id": f"(replay_id) where {_NAMES_REPLAY}",
        "naming": f"(project_id, received_at desc) where {_NAMES_REPLAY}",
        "far": f"(trace_id, at) where {_FAR}",
        "trace_id": f"(trace_id, at) where {_HAS_TRACE}",
    },
    "span_blocks": {
        "trace_id": "(trace_id, started_at)",
        "far": f"(trace_id, started_at) where {_FAR}",
        "replay_id": f"(replay_id) where {_NAMES_REPLAY}",
    },
    "logs": {
        "newest": "(project_id, received_at desc)",
        "replay_id": f"(replay_id) where {_NAMES_REPLAY}",
        "trace_id": f"(trace_id, at) where {_HAS_TRACE}",
        "far": f"(trace_id, at) where {_FAR}",
    },
    "attachments": {},
}


def _divide(table: str) -> list[str]:
    """Return the statements that make a table the oldest partition of a new one of its name."""
    old = f"{table}_old"
    return [
        f"alter table {table} rename to {old}",
        *(
            f"alter index ix_{table}_{name} rename to ix_{old}_{name}"
            for name in _INDEXES[table]
        ),
        f"""
        alter table {old}
            add column day date not null default '{_OLD_DAY}',
            add column retention_class smallint not null default 3
        """,
        f"""
        create table {table} (like {old} including defaults including storage including compression)
            partition by range (day, retention_class)
        """,
        f"alter table {table} alter column day set default {_TODAY}",
        # None of them holds the day. A unique index would have to, and the old table would need
        # one more. The key of a partition has the same effect, since it holds one day and class.
        *(f"create index ix_{table}_{name} on {table} {of}" for name, of in _INDEXES[table].items()),
        f"""
        alter table {table} attach partition {old}
            for values from (minvalue, minvalue) to ('2000-01-01', minvalue)
        """,
    ]


_CASES = "\n".join(f"            when '{table}' then '{key}'" for table, key in _KEYS.items())
_FUNCTIONS = (
    # Only the owner of a table may make partitions of it. The role that serves requests owns none,
    # so it calls these functions, which can do nothing else.
    f"""
    create function add_day_partition(family text, day date, class smallint) returns boolean
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
    declare
        name text := format('%s_%s_%s', family, to_char(day, 'YYYYMMDD'), class);
        key text := case family
{_CASES}
        end;
    begin
        if key is null or class not between 0 and 3
            or day not between '2000-01-02' and current_date + 366
        then
            raise exception 'no partition of % for % and class %', family, day, class;
        end if;
        if to_regclass('public.' || name) is not null then
            return false;
        end if;
        -- Attaching needs this lock too. No read or write waits for it, but whoever else makes a
        -- partition of this table.
        execute format('lock table only public.%I in share update exclusive mode', family);
        if to_regclass('public.' || name) is not null then
            return false;
        end if;
        execute format('create table public.%I (like public.%I including all)', name, family);
        execute format('alter table public.%I add constraint %I primary key (%s)',
            name, 'pk_' || name, key);
        execute format(
            'alter table public.%I attach partition public.%I for values from (%L, %s) to (%L, %s)',
            family, name, day, class, day, class + 1);
        return true;
    end
    $$
    """,
    """
    create function drop_day_partition(family text, day date, class smallint) returns boolean
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
    declare
        name text := format('%s_%s_%s', family, to_char(day, 'YYYYMMDD'), class);
    begin
        if not exists (
            select from pg_inherits i
            where i.inhparent = to_regclass('public.' || quote_ident(family))
              and i.inhrelid = to_regclass('public.' || quote_ident(name))
        ) then
            return false;
        end if;
        execute format('drop table public.%I', name);
        return true;
    end
    $$
    """,
    """
    create function drop_old_partition(family text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
    declare
        name text := family || '_old';
        is_empty boolean;
    begin
        if not exists (
            select from pg_inherits i
            where i.inhparent = to_regclass('public.' || quote_ident(family))
              and i.inhrelid = to_regclass('public.' || quote_ident(name))
        ) then
            return false;
        end if;
        execute format('lock table public.%I in access exclusive mode', family);
        execute format('select not exists (select from public.%I)', name) into is_empty;
        if is_empty then
            execute format('drop table public.%I', name);
        end if;
        return is_empty;
    end
    $$
    """,
    "revoke all on function add_day_partition(text, date, smallint) from public",
    "revoke all on function drop_day_partition(text, date, smallint) from public",
    "revoke all on function drop_old_partition(text) from public",
)

STATEMENTS = (
    "alter table journal_marks rename column seq to stored_seq",
    f"""
    alter table replays
        add column day date not null default '{_OLD_DAY}',
        add column retention_class smallint not null default 3,
        add column closed_at timestamptz
    """,
    f"alter table replays alter column day set default {_TODAY}",
    "create index ix_replays_day on replays (day, project_id)",
    # The prefix of a replay's objects begins with its day. A replay that a process of the release
    # before deletes leaves none here: then the sweep looks under every day.
    f"alter table tombstones add column day date default '{_OLD_DAY}'",
    "alter table tombstones alter column day drop default",
    """
    alter table projects
        add column retention_class smallint not null default 3,
        add constraint ck_projects_retention_class_is_known check (retention_class between 1 and 3)
    """,
    "alter table pack_outbox add column wipes boolean not null default true",
    """
    alter table segments
        alter column recording drop not null,
        add column recording_offset bigint,
        add column recording_bytes bigint
    """,
    *(statement for table in _KEYS for statement in _divide(table)),
    *_FUNCTIONS,
    f"""
    select add_day_partition(family, {_TODAY} + ahead, 3::smallint)
    from unnest(array['{"', '".join(_KEYS)}']) as family, generate_series(0, 2) as ahead
    """,
    """
    create table open_replays (
        project_id bigint not null,
        replay_id uuid not null,
        check_at timestamptz not null,
        leased_until timestamptz,
        tries smallint not null default 0,
        constraint pk_open_replays primary key (project_id, replay_id)
    )
    """,
    "create index ix_open_replays_check_at on open_replays (check_at)",
    """
    create table storage_days (
        project_id bigint not null,
        day date not null,
        kind text not null,
        items bigint not null,
        size_bytes bigint not null,
        constraint pk_storage_days primary key (project_id, day, kind)
    )
     with (fillfactor = 80)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
