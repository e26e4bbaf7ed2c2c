"""Indexes for the filters of the list of replays; marks of what somebody has seen."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    """
    create index ix_replays_facts on replays
        using gin (facts jsonb_path_ops) with (fastupdate = off)
    """,
    """
    create index ix_replays_recorded_user on replays
        using gin (recorded_user jsonb_path_ops) with (fastupdate = off)
    """,
    """
    create table seen_marks (
        person_id bigint not null,
        project_id bigint not null,
        replay_id uuid not null,
        at timestamptz not null default now(),
        constraint pk_seen_marks primary key (person_id, project_id, replay_id)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
