"""Privacy rules of projects, and counts of what they removed before anything was stored."""

from alembic import op

revision = "0028"
down_revision = "0027"

STATEMENTS = (
    """
    create table privacy_rules (
        project_id bigint not null,
        version integer not null,
        rules text not null,
        saved_at timestamptz not null default now(),
        saved_by bigint not null,
        constraint pk_privacy_rules primary key (project_id, version),
        constraint fk_privacy_rules_project_id_projects
            foreign key (project_id) references projects (id) on delete cascade
    )
    """,
    """
    create table removal_counts (
        project_id bigint not null,
        day date not null,
        rule text not null,
        quantity bigint not null,
        constraint pk_removal_counts primary key (project_id, day, rule)
    )
    """,
    # Nullable and without a default, so that no row is written; partitions follow their parent.
    "alter table segments add column removals bytea",
    "alter table events add column removals bytea",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
