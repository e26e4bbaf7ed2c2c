"""Tables of alerts: rules, targets, and the conditions that hold at the moment."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db.schema import metadata
from app.db.types import Hex32

# Without a project they are those of the server.
alert_targets: Final = Table(
    "alert_targets",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    # The address of a webhook is a secret itself: whoever has it can post to the channel.
    Column("address", Text, nullable=False),
    # What signs the messages to a webhook of one's own; the one before is good for another day.
    Column("secret", Text),
    Column("old_secret", Text),
    Column("old_secret_until", DateTime(timezone=True)),
    Column("is_on", Boolean, nullable=False, server_default=text("true")),
    Column("made_by", BigInteger),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # The result of the last message.
    Column("sent_at", DateTime(timezone=True)),
    Column("failing_since", DateTime(timezone=True)),
    Column("fault", Text),
    CheckConstraint("kind in ('slack', 'webhook', 'mail')", name="kind_is_known"),
)
Index("ix_alert_targets_project_id", alert_targets.c.project_id)

alert_rules: Final = Table(
    "alert_rules",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("kind", Text, nullable=False),
    Column("is_on", Boolean, nullable=False, server_default=text("true")),
    Column("settings", JSONB, nullable=False),
    Column("target_ids", ARRAY(BigInteger), nullable=False),
    # Who made it, or changed it last: `AlertRule.reach_of`.
    Column("made_by", BigInteger),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
Index("ix_alert_rules_project_id", alert_rules.c.project_id)

# The conditions that hold now: messages tell when one begins and when it ends, not in between.
alert_conditions: Final = Table(
    "alert_conditions",
    metadata,
    Column(
        "rule_id", BigInteger, ForeignKey("alert_rules.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("subject", Text, primary_key=True),
    Column("began_at", DateTime(timezone=True), nullable=False),
    # The title of the message when it ends; empty for no message.
    Column("over", Text, nullable=False, server_default=""),
    # The issue that it is about, if it is about one; its title is not kept here.
    Column("issue_id", Hex32),
)
