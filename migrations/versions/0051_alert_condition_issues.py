"""The issue of a condition that an alert watches; contents of messages that were erased are null.

An erased content was the `null` of JSON, so that it counted as one that is still there.
"""

from alembic import op

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    op.execute("alter table alert_conditions add column issue_id uuid")
    op.execute("update outbox_messages set content = null where content = 'null'")
