"""Links of issues and replays, kept when either comes; ties of traces, of whatever names both."""

from alembic import op

revision = "0015"
down_revision = "0014"

_FAR = "abs(drift_ms) > 60000"
_WITHIN = """
    (e.at between r.started_at - interval '1 min' and r.ended_at + interval '1 min'
     or e.at + e.drift_ms * interval '1 ms'
        between r.started_at + r.drift_ms * interval '1 ms' - interval '1 min'
            and r.ended_at + r.drift_ms * interval '1 ms' + interval '1 min')
"""

STATEMENTS = (
    # A sender's clock is never quite right: an index of all that is not holds nearly everything.
    *(
        f"drop index ix_{table}_drifted"
        for table in ("events", "transactions", "spans", "span_blocks", "logs")
    ),
    *(
        f"create index ix_{table}_far on {table} (trace_id, {moment}) where {_FAR}"
        for table, moment in (
            ("events", "at"),
            ("transactions", "started_at"),
            ("spans", "started_at"),
            ("span_blocks", "started_at"),
            ("logs", "at"),
            ("feedback", "at"),
        )
    ),
    # What was looked up in three tables for each replay, and in four for each trace.
    *(
        f"""
        insert into replay_traces (project_id, replay_id, trace_id)
        select distinct project_id, replay_id, trace_id from {table}
        where replay_id is not null and trace_id is not null
        on conflict do nothing
        """
        for table in ("events", "transactions", "spans", "span_blocks")
    ),
    "create index ix_replay_traces_replay_id on replay_traces (replay_id)",
    "create index ix_issue_replays_replay_id on issue_replays (replay_id)",
    """
    create table issue_links (
        project_id bigint not null,
        issue_id uuid not null,
        replay_project_id bigint not null,
        replay_id uuid not null,
        first_received_at timestamptz not null,
        event_id uuid not null,
        at timestamptz not null,
        drift_ms bigint not null,
        platform text,
        constraint pk_issue_links
            primary key (project_id, issue_id, replay_project_id, replay_id)
    )
    """,
    f"""
    insert into issue_links
    select distinct on (e.project_id, e.issue_id, r.project_id, r.replay_id)
        e.project_id, e.issue_id, r.project_id, r.replay_id, r.first_received_at,
        e.event_id, e.at, e.drift_ms, e.platform
    from (
        select r.project_id, r.replay_id, e.project_id as of_project, e.event_id
        from replays r join events e on e.replay_id = r.replay_id
        union
        select r.project_id, r.replay_id, e.project_id, e.event_id
        from replays r
        join replay_traces t on t.replay_id = r.replay_id
        join events e on e.trace_id = t.trace_id and e.replay_id is null
        where {_WITHIN}
    ) found
    join replays r on r.project_id = found.project_id and r.replay_id = found.replay_id
    join events e on e.project_id = found.of_project and e.event_id = found.event_id
    where e.issue_id is not null
    order by e.project_id, e.issue_id, r.project_id, r.replay_id, e.at, e.event_id
    """,
    """
    create index ix_issue_links_newest
        on issue_links (project_id, issue_id, first_received_at desc, replay_id desc)
    """,
    "create index ix_issue_links_replay on issue_links (replay_project_id, replay_id)",
    """
    create table issue_link_counts (
        project_id bigint not null,
        issue_id uuid not null,
        replay_project_id bigint not null,
        replays bigint not null,
        constraint pk_issue_link_counts primary key (project_id, issue_id, replay_project_id)
    )
     with (fillfactor = 80)
    """,
    """
    insert into issue_link_counts
    select project_id, issue_id, replay_project_id, count(*) from issue_links group by 1, 2, 3
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
