"""Counts of events by hour that name another environment than `production`."""

from alembic import op

revision = "0060"
down_revision = "0059"


def upgrade() -> None:
    op.execute(
        """
        create table issue_environment_hours (
            project_id bigint not null,
            issue_id uuid not null,
            hour timestamptz not null,
            environment text not null,
            events bigint not null,
            constraint pk_issue_environment_hours
                primary key (project_id, issue_id, hour, environment)
        ) with (fillfactor = 80)
        """
    )
    # Hours before this moment tell nothing about environments.
    op.execute(
        """
        create table environment_counting (
            since timestamptz not null default now(),
            constraint pk_environment_counting primary key (since)
        )
        """
    )
    op.execute("insert into environment_counting default values")
