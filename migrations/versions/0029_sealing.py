"""Sealing: replays close, and everything of one moves into an object of its own.

Replays of releases before are closed and sealed one after another in the background; until then
they are read as they are.
"""

from alembic import op

revision = "0029"
down_revision = "0028"

STATEMENTS = (
    # When its last segment was stored, by the clock of Postgres: it closes ten minutes later.
    """
    alter table replays
        add column last_stored_at timestamptz,
        add column sealed_at timestamptz
    """,
    # A video that arrives after its recording was sealed lies in another pack than that.
    "alter table segments add column recording_pack_id bigint",
    # An index on `live` would be written with each of its changes; `empty_at` changes once.
    """
    alter table packs
        add column is_sealed boolean not null default false,
        add column empty_at timestamptz
    """,
    "create index ix_packs_empty_at on packs (empty_at) where empty_at is not null",
    "create index ix_pack_outbox_wipes on pack_outbox (pack_id) where wipes",
    """
    alter table open_replays
        add column steps_done text[] not null default '{}',
        add column fault text
    """,
    """
    create table expiring_objects (
        object_key text not null,
        project_id bigint not null,
        replay_id uuid not null,
        expires_at timestamptz not null,
        constraint pk_expiring_objects primary key (object_key)
    )
    """,
    "create index ix_expiring_objects_expires_at on expiring_objects (expires_at)",
    "create index ix_expiring_objects_replay on expiring_objects (project_id, replay_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
