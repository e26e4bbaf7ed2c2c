"""The table of feedback."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Index, Table, Text, text

from app.db.schema import metadata
from app.db.types import Hex32
from app.db.windows import FAR

feedback: Final = Table(
    "feedback",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Hex32, primary_key=True),
    # The type of the item that it came in: feedback or user_report.
    Column("item_type", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("drift_ms", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("url", Text),
    Column("associated_event_id", Hex32),
    Column("replay_id", Hex32),
    Column("trace_id", Hex32),
    Column("platform", Text),
    Column("release", Text),
    Column("environment", Text),
)
Index("ix_feedback_newest", feedback.c.project_id, feedback.c.received_at.desc())
Index(
    "ix_feedback_associated_event_id",
    feedback.c.project_id,
    feedback.c.associated_event_id,
    postgresql_where=feedback.c.associated_event_id.is_not(None),
)
Index(
    "ix_feedback_replay_id",
    feedback.c.replay_id,
    postgresql_where=feedback.c.replay_id.is_not(None),
)
Index(
    "ix_feedback_trace_id",
    feedback.c.trace_id,
    feedback.c.at,
    postgresql_where=feedback.c.trace_id.is_not(None),
)
Index("ix_feedback_far", feedback.c.trace_id, feedback.c.at, postgresql_where=text(FAR))
