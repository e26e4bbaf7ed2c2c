"""Totals of what is stored, by project, day and kind: of what is here, and kept when it is deleted.

Digest adds new rows to the totals. Triggers follow what is deleted, changed or moved to another day,
so that nobody can forget it. They run once for a statement, and not for a partition that is dropped.
"""

from alembic import op

revision = "0032"
down_revision = "0031"

# What a row takes in Postgres apart from the bytes that are counted with it: its other columns, its
# head, and its share of the indexes, estimated. `projects/storage.py` has them as well.
_RECORDING = "coalesce(octet_length(recording), recording_bytes, 0)"
_SEGMENT = f"400 + {_RECORDING} + coalesce(octet_length(layout), 0)"
_AMOUNTS = {
    "segments": (
        ("recordings", "count(*)", f"sum({_SEGMENT})"),
        (
            "video",
            "count(*) filter (where pack_id is not null)",
            "sum(case when pack_id is not null then object_bytes else 0 end)",
        ),
    ),
    "events": (("events", "count(*)", "sum(900 + octet_length(payload))"),),
    "span_blocks": (("spans", "sum(spans)", "sum(500 + octet_length(content))"),),
    "logs": (("logs", "count(*)", "sum(450 + octet_length(body) + octet_length(attributes))"),),
    "attachments": (("attachments", "count(*)", "sum(350 + size_bytes)"),),
}


def _sums(table: str, source: str) -> str:
    """Return a select of the totals of some rows, by project, day and kind."""
    return " union all ".join(
        f"""
        select project_id, day, '{kind}' as kind, {items} as items, {size_bytes} as size_bytes
        from {source} group by project_id, day
        """
        for kind, items, size_bytes in _AMOUNTS[table]
    )


def _triggers(table: str) -> tuple[str, ...]:
    minus = f"select project_id, day, kind, -items, -size_bytes from ({_sums(table, 'old_rows')}) o"
    return (
        f"""
        create function subtract_{table}() returns trigger language plpgsql as $$
        begin
            update storage_days s
            set items = s.items - g.items, size_bytes = s.size_bytes - g.size_bytes
            from ({_sums(table, "old_rows")}) g
            where s.project_id = g.project_id and s.day = g.day and s.kind = g.kind;
            return null;
        end
        $$
        """,
        f"""
        create trigger subtract_storage after delete on {table}
            referencing old table as old_rows
            for each statement execute function subtract_{table}()
        """,
        f"""
        create function move_{table}() returns trigger language plpgsql as $$
        begin
            insert into storage_days as s (project_id, day, kind, items, size_bytes)
            select project_id, day, kind, sum(items), sum(size_bytes)
            from ({_sums(table, "new_rows")} union all {minus}) c
            group by 1, 2, 3 having sum(items) <> 0 or sum(size_bytes) <> 0 order by 1, 2, 3
            on conflict (project_id, day, kind) do update
                set items = s.items + excluded.items, size_bytes = s.size_bytes + excluded.size_bytes;
            return null;
        end
        $$
        """,
        f"""
        create trigger move_storage after update on {table}
            referencing old table as old_rows new table as new_rows
            for each statement execute function move_{table}()
        """,
    )


STATEMENTS = (
    *(
        f"""
        insert into storage_days as s (project_id, day, kind, items, size_bytes)
        select * from ({_sums(table, table)}) n
        on conflict (project_id, day, kind) do update
            set items = excluded.items, size_bytes = excluded.size_bytes
        """
        for table in _AMOUNTS
    ),
    """
    insert into storage_days (project_id, day, kind, items, size_bytes)
    select project_id, r.day, 'pictures', count(*), sum(
        (p.sizes ->> 'poster_bytes')::bigint + (p.sizes ->> 'preview_bytes')::bigint
        + (select coalesce(sum(each::bigint), 0)
           from jsonb_array_elements_text(p.sizes -> 'sheet_bytes') as each)
    )
    from replay_pictures p join replays r using (project_id, replay_id)
    where p.sizes is not null
    group by 1, 2
    """,
    *(statement for table in _AMOUNTS for statement in _triggers(table)),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
