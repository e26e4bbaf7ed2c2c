"""Spans in blocks: one row for what came together, instead of one for each span.

What is in `transactions` and `spans` stays for the release before, which goes on with them; a
process of this release moves it into blocks in steps, from its start and every hour after.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    """
    create table span_blocks (
        project_id bigint not null,
        block_id uuid not null,
        transaction_id uuid,
        trace_id uuid not null,
        replay_id uuid,
        received_at timestamptz not null,
        started_at timestamptz not null,
        ended_at timestamptz not null,
        drift_ms bigint not null,
        name text,
        op text,
        status text,
        platform text,
        release text,
        environment text,
        spans integer not null,
        content bytea not null,
        constraint pk_span_blocks primary key (project_id, block_id)
    )
    """,
    # It is compressed already; most of it fits into the page of its row.
    """
    alter table span_blocks alter column content set storage external,
        set (toast_tuple_target = 8160)
    """,
    """
    create index ix_span_blocks_trace_id on span_blocks (trace_id, started_at)
    """,
    """
    create index ix_span_blocks_drifted on span_blocks (trace_id, started_at) where drift_ms <> 0
    """,
    """
    create index ix_span_blocks_replay_id on span_blocks (replay_id) where replay_id is not null
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
