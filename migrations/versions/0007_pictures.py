"""Small pictures of replays, and the tasks to make them."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    """
    create table replay_pictures (
        project_id bigint not null,
        replay_id uuid not null,
        due_at timestamptz,
        leased_until timestamptz,
        tries smallint not null default 0,
        made_at timestamptz,
        video_segments integer,
        error_ms bigint,
        fault text,
        object_key text,
        sizes jsonb,
        tiles bigint[],
        constraint pk_replay_pictures primary key (project_id, replay_id)
    )
    """,
    """
    create index ix_replay_pictures_due on replay_pictures (due_at) where due_at is not null
    """,
    # Replays that came before pictures did get theirs too: the newest first, two in a second, so
    # that new ones find their place between them.
    """
    insert into replay_pictures (project_id, replay_id, due_at)
    select project_id, replay_id,
           now() + row_number() over (order by first_received_at desc) * interval '500 ms'
    from replays where video_segments > 0
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
