"""Whether messages of alerts show pictures of the replays of a project; nobody's do yet."""

from alembic import op

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    op.execute(
        "alter table projects add column alerts_show_pictures boolean not null default false"
    )
