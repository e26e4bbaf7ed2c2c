"""Payloads of events are compressed already: Postgres tries no second time.

What is stored stays as it is and is read as before.
"""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("alter table events alter column payload set storage external")
