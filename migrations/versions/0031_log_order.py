"""The log of views and actions is read by time, as a whole, of a project, and of a person."""

from alembic import op

revision = "0031"
down_revision = "0030"

TABLES = ("audit_lines", "view_log")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"create index ix_{table}_at_id on {table} (at, id)")
        op.execute(f"create index ix_{table}_project_id_at_id on {table} (project_id, at, id)")
        op.execute(f"create index ix_{table}_person_id_at_id on {table} (person_id, at, id)")
        op.execute(f"drop index ix_{table}_project_id_id")
