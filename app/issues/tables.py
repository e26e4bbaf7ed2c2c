"""Tables of error and message events, of their issues, and of the files that came with them."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.partitions.days import TODAY
from app.db.schema import metadata
from app.db.types import Hex32
from app.db.windows import FAR

events: Final = Table(
    "events",
    metadata,
    # The day on which it was stored, and the class of its project: the partition (`db/partitions`).
    Column("day", Date, nullable=False, server_default=TODAY),
    Column("retention_class", SmallInteger, nullable=False, server_default=text("3")),
    Column("project_id", BigInteger, primary_key=True),
    Column("event_id", Hex32, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    # The sender's clock, as sent; `drift_ms` leads to the server's.
    Column("at", DateTime(timezone=True), nullable=False),
    Column("drift_ms", BigInteger, nullable=False),
    Column("level", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("culprit", Text),
    Column("exception_type", Text),
    Column("exception_value", Text),
    Column("handled", Boolean),
    Column("mechanism", Text),
    Column("platform", Text),
    Column("release", Text),
    Column("environment", Text),
    Column("sdk_name", Text),
    Column("recorded_user", JSONB, nullable=False),
    Column("trace_id", Hex32),
    Column("span_id", Text),
    # Null for events of releases that did not keep it.
    Column("parent_span_id", Text),
    Column("replay_id", Hex32),
    Column("payload", LargeBinary, nullable=False),
    # Null until it is grouped: a release that did not group left it so (`regrouping/backfill.py`).
    Column("issue_id", Hex32),
    # What was removed before it was stored (`packed_remarks`); null if nothing was.
    Column("removals", LargeBinary),
    # Its clear stack and the debug files that it misses (`symbolication/model.py`); null if it
    # needs none, or if an older release stored it.
    Column("symbolicated", LargeBinary),
)
Index(
    "ix_events_issue_id",
    events.c.project_id,
    events.c.issue_id,
    events.c.received_at.desc(),
    events.c.event_id.desc(),
)
Index(
    "ix_events_ungrouped",
    events.c.project_id,
    postgresql_where=events.c.issue_id.is_(None),
)
# Of more errors than can be ranked together, those that arrived first are read and no others.
Index(
    "ix_events_replay_id_received_at",
    events.c.replay_id,
    events.c.received_at,
    postgresql_where=events.c.replay_id.is_not(None),
)
# The newest that name a replay: which of them never came?
Index(
    "ix_events_naming",
    events.c.project_id,
    events.c.received_at.desc(),
    postgresql_where=events.c.replay_id.is_not(None),
)
Index("ix_events_far", events.c.trace_id, events.c.at, postgresql_where=text(FAR))
Index(
    "ix_events_trace_id",
    events.c.trace_id,
    events.c.at,
    postgresql_where=events.c.trace_id.is_not(None),
)

# One row a group of events, changed by every event of it: no index but the key, and room in the
# page, so that the change stays inside it (a HOT update).
issues: Final = Table(
    "issues",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue_id", Hex32, primary_key=True),
    Column("grouping_version", SmallInteger, nullable=False),
    # When its first and last event happened, by the server's clock (`counting.find_seen_at`).
    Column("first_seen_at", DateTime(timezone=True), nullable=False),
    Column("first_event_id", Hex32, nullable=False),
    Column("first_release", Text),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    Column("last_event_id", Hex32, nullable=False),
    Column("last_release", Text),
    # As its last event has them.
    Column("level", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("culprit", Text),
    Column("platform", Text),
    # Events, and how many rows `issue_users` and `issue_replays` have of it.
    Column("events", BigInteger, nullable=False),
    Column("users", BigInteger, nullable=False),
    Column("replays", BigInteger, nullable=False),
    # open, resolved or ignored; who resolved it did so for this release and all before.
    Column("status", Text, nullable=False, server_default=text("'open'")),
    Column("status_at", DateTime(timezone=True)),
    Column("resolved_release", Text),
    Column("is_regressed", Boolean, nullable=False, server_default=text("false")),
    postgresql_with={"fillfactor": "80"},
)
issue_hours: Final = Table(
    "issue_hours",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue_id", Hex32, primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True),
    Column("events", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "80"},
)
issue_users: Final = Table(
    "issue_users",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue_id", Hex32, primary_key=True),
    # A hash: it counts users, and does not say who they are.
    Column("user_hash", Hex32, primary_key=True),
)
issue_replays: Final = Table(
    "issue_replays",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue_id", Hex32, primary_key=True),
    # As its events name it, whether it ever came or not.
    Column("replay_id", Hex32, primary_key=True),
)
Index("ix_issue_replays_replay_id", issue_replays.c.replay_id)
# An issue and a replay that is here, in whose time one of its events happened; how many there are
# is counted below, by the project of the replay, since not everybody sees all projects.
issue_links: Final = Table(
    "issue_links",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue_id", Hex32, primary_key=True),
    Column("replay_project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("replay_id", Hex32, primary_key=True),
    # Of the replay: the order of the list.
    Column("first_received_at", DateTime(timezone=True), nullable=False),
    # The first of the issue's events in it.
    Column("event_id", Hex32, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("drift_ms", BigInteger, nullable=False),
    Column("platform", Text),
)
Index(
    "ix_issue_links_newest",
    issue_links.c.project_id,
    issue_links.c.issue_id,
    issue_links.c.first_received_at.desc(),
    issue_links.c.replay_id.desc(),
)
Index("ix_issue_links_replay", issue_links.c.replay_project_id, issue_links.c.replay_id)
issue_link_counts: Final = Table(
    "issue_link_counts",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue_id", Hex32, primary_key=True),
    Column("replay_project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("replays", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "80"},
)
issue_releases: Final = Table(
    "issue_releases",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue_id", Hex32, primary_key=True),
    Column("release", Text, primary_key=True),
)

# How many events went from an issue to another one when their stacks became clear. The address of
# an issue that lost all of them leads to the one that took most.
issue_moves: Final = Table(
    "issue_moves",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue_id", Hex32, primary_key=True),
    Column("target_id", Hex32, primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("moved_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

# Addresses of tickets that people keep with an issue; they end with it.
issue_tickets: Final = Table(
    "issue_tickets",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("issue_id", Hex32, nullable=False),
    Column("url", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("added_by", BigInteger),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
Index("ix_issue_tickets_issue", issue_tickets.c.project_id, issue_tickets.c.issue_id)

attachments: Final = Table(
    "attachments",
    metadata,
    # The day on which it was stored, and the class of its project: the partition (`db/partitions`).
    Column("day", Date, nullable=False, server_default=TODAY),
    Column("retention_class", SmallInteger, nullable=False, server_default=text("3")),
    # No foreign key: a file may come before its event, or without it.
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Hex32, primary_key=True),
    Column("filename", Text, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("content_type", Text),
    Column("attachment_type", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("object_key", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
)

# Objects of files that no row points at any more, until the sweep has removed them.
file_outbox: Final = Table(
    "file_outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("event_id", Hex32, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("swept_at", DateTime(timezone=True)),
)
Index("ix_file_outbox_object_key", file_outbox.c.object_key)
Index(
    "ix_file_outbox_unswept",
    file_outbox.c.id,
    postgresql_where=file_outbox.c.swept_at.is_(None),
)
Index("ix_file_outbox_swept_at", file_outbox.c.swept_at)

# What is left of issues whose last event has expired. An event that comes later begins the issue
# anew, and the mark then counts for nothing.
issue_tombstones: Final = Table(
    "issue_tombstones",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue_id", Hex32, primary_key=True),
    Column("expired_at", DateTime(timezone=True), nullable=False),
    Column("rule", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("events", BigInteger, nullable=False),
)
Index("ix_issue_tombstones_expired_at", issue_tombstones.c.expired_at)
