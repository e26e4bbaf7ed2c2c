"""Changes of keys, so that processes read what has changed and not all keys every few seconds.

A trigger notes each change, deletions included, whichever release makes it.
"""

from alembic import op

revision = "0038"
down_revision = "0037"

STATEMENTS = (
    """
    create table key_changes (
        public_key text not null,
        changed_at timestamptz not null default clock_timestamp(),
        constraint pk_key_changes primary key (public_key)
    )
    """,
    "create index ix_key_changes_changed_at on key_changes (changed_at)",
    """
    create function note_key_change() returns trigger language plpgsql as $$
    begin
        insert into key_changes (public_key, changed_at)
        values (coalesce(new.public_key, old.public_key), clock_timestamp())
        on conflict (public_key) do update set changed_at = excluded.changed_at;
        return null;
    end
    $$
    """,
    """
    create trigger note_change after insert or delete or update of public_key, project_id, is_active
        on project_keys for each row execute function note_key_change()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
