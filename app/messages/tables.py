"""Tables of signals, of the findings of rules, and of messages."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.schema import metadata
from app.db.types import Hex32

# The kinds of signals that rules of each project want; digest writes no others.
wanted_signals: Final = Table(
    "wanted_signals",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
)

# Signals that are not judged yet: digest and closing write them, a worker takes them.
signals: Final = Table(
    "signals",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("noted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("issue_id", Hex32),
    Column("event_id", Hex32),
    Column("replay_id", Hex32),
    Column("release", Text),
)

# What a rule found worth a message, once for each subject. The table of rules is in app/alerts.
findings: Final = Table(
    "alert_findings",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column(
        "rule_id",
        BigInteger,
        ForeignKey("alert_rules.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("subject", Text, nullable=False),
    # Null for what concerns the whole server.
    Column("project_id", BigInteger),
    Column("found_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'")),
    Column("issue_id", Hex32),
    Column("event_id", Hex32),
    Column("replay_project_id", BigInteger),
    Column("replay_id", Hex32),
    # When it became part of a message; null until then.
    Column("told_at", DateTime(timezone=True)),
    UniqueConstraint("rule_id", "subject", name="uq_alert_findings_rule_id"),
)
Index(
    "ix_alert_findings_untold",
    findings.c.rule_id,
    findings.c.due_at,
    postgresql_where=findings.c.told_at.is_(None),
)
Index(
    "ix_alert_findings_replay",
    findings.c.replay_id,
    postgresql_where=findings.c.replay_id.is_not(None),
)
Index(
    "ix_alert_findings_issue",
    findings.c.issue_id,
    postgresql_where=findings.c.issue_id.is_not(None),
)

# Messages to one receiver each: those that wait, and the log of the others.
outbox: Final = Table(
    "outbox_messages",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # The name by which a receiver recognises a second copy of a message.
    Column("key", Hex32, nullable=False, unique=True),
    # The same for all messages of one finding: one a target.
    Column("batch", Hex32, nullable=False),
    Column("project_id", BigInteger),
    Column("rule_id", BigInteger),
    Column("target_id", BigInteger),
    # To whom an invitation or a link for a new password goes.
    Column("person_id", BigInteger),
    Column("address", Text),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    # Null once something in it was erased.
    Column("content", JSONB(none_as_null=True)),
    # waiting, sent, failed or cancelled.
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("leased_until", DateTime(timezone=True)),
    Column("leased_by", Hex32),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("fault", Text),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
)
Index(
    "ix_outbox_messages_waiting",
    outbox.c.due_at,
    postgresql_where=outbox.c.state == "waiting",
)
# What is claimed at the moment, which each claim counts.
Index(
    "ix_outbox_messages_leased",
    outbox.c.leased_until,
    postgresql_where=outbox.c.state == "waiting",
)
Index(
    "ix_outbox_messages_target_id",
    outbox.c.target_id,
    postgresql_where=outbox.c.state == "waiting",
)
Index("ix_outbox_messages_project_id", outbox.c.project_id, outbox.c.id.desc())
Index("ix_outbox_messages_rule_id", outbox.c.rule_id, outbox.c.made_at)

# The replays, issues and events that a message names, so that erasing them finds it.
message_subjects: Final = Table(
    "message_subjects",
    metadata,
    Column(
        "message_id",
        BigInteger,
        ForeignKey("outbox_messages.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    # The id of a replay, an issue or an event.
    Column("subject_id", Hex32, primary_key=True),
)
Index("ix_message_subjects_subject_id", message_subjects.c.subject_id)
