"""Tables of projects, their keys and rules, the outcomes of all items, and quarantine."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema import metadata
from app.db.types import Hex32

projects = Table(
    "projects",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("stored_bytes_limit", BigInteger),
    Column("viewers_see_bodies", Boolean, nullable=False, server_default=text("true")),
    Column("allows_shares", Boolean, nullable=False, server_default=text("true")),
    Column("alerts_show_pictures", Boolean, nullable=False, server_default=text("false")),
    # What is kept for how long (`retention_rules.py`). A project follows the server's rule about
    # age until it has one of its own.
    Column("follows_server", Boolean, nullable=False, server_default=text("true")),
    Column("keep_days", Integer),
    Column("at_limit", Text, nullable=False, server_default=text("'refuse'")),
    Column("keep_queries", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("rest_hours", Integer),
    # The partitions in which its new rows lie (`core/days.py`); whoever changes how long the
    # project keeps its data sets it.
    Column("retention_class", SmallInteger, nullable=False, server_default=text("3")),
    CheckConstraint("retention_class between 1 and 3", name="retention_class_is_known"),
    CheckConstraint("keep_days > 0", name="keep_days_is_positive"),
    CheckConstraint("at_limit in ('refuse', 'delete_oldest')", name="at_limit_is_known"),
    CheckConstraint("rest_hours > 0", name="rest_hours_is_positive"),
)

# Numbers that admins of the server choose, by name; null for no limit.
server_settings = Table(
    "server_settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("changed_by", BigInteger),
)

project_keys = Table(
    "project_keys",
    metadata,
    Column("public_key", Text, primary_key=True),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("public_key ~ '^[0-9a-f]{32}$'", name="public_key_is_hex"),
)

# Where the tickets of a project are, and the templates of new ones (`reports/tickets`).
project_trackers = Table(
    "project_trackers",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("title_template", Text, nullable=False),
    Column("body_template", Text, nullable=False),
    Column("jira_project", Text, nullable=False, server_default=text("''")),
    Column("jira_type", Text, nullable=False, server_default=text("''")),
    Column("made_by", BigInteger),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("kind in ('github', 'gitlab', 'jira', 'linear')", name="kind_is_known"),
)

# The last change of each key, deletions included; a trigger writes it. Rows go after a day.
key_changes = Table(
    "key_changes",
    metadata,
    Column("public_key", Text, primary_key=True),
    Column(
        "changed_at",
        DateTime(timezone=True),
        nullable=False,
        index=True,
        server_default=func.clock_timestamp(),
    ),
)

# How much each key has ever sent, for its rates: processes add what they have accepted, and learn
# from the difference what the others have.
key_spending = Table(
    "key_spending",
    metadata,
    Column(
        "public_key",
        ForeignKey("project_keys.public_key", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("envelopes", Double, nullable=False),
    Column("size_bytes", Double, nullable=False),
    Column("last_used_at", DateTime(timezone=True)),
)

# What the rows and objects of each day take, by kind (`projects/storage.py`). Digest adds, and
# whoever deletes subtracts.
storage_days = Table(
    "storage_days",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("items", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "80"},
)

# No foreign key: counts are written with the batch that stores the items, and must never fail it.
outcomes = Table(
    "outcomes",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("item_type", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("reason", Text, primary_key=True, server_default=""),
    Column("quantity", BigInteger, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("item_types", ARRAY(Text), nullable=False),
    Column("reason", Text, nullable=False),
    # Lets the erasure of a replay find what quarantine holds of it.
    Column("replay_id", Hex32),
    Column("content_encoding", Text),
    Column("body", LargeBinary, nullable=False),
    # Set alone while somebody waits for it to be digested again, by whatever process has a journal.
    # Set together with a fault, it is the time at which a process began to.
    Column("retry_asked_at", DateTime(timezone=True)),
    # The reason why it could not be, the last time that somebody asked. A process that begins to
    # digest it again notes first what is to be said if it does not get to the end.
    Column("retry_fault", Text),
    Index(None, "project_id", "id"),
)
Index(
    "ix_quarantine_retry_asked_at",
    quarantine.c.retry_asked_at,
    postgresql_where=quarantine.c.retry_asked_at.is_not(None),
)

# Every version of the rules stays; the highest one applies. `rules` is JSON that
# `privacy_rules.py` writes: as text, since Postgres need not look into it.
privacy_rules = Table(
    "privacy_rules",
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("rules", Text, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("saved_by", BigInteger, nullable=False),
)

# How much each rule removed before anything was stored. No foreign key, as for outcomes.
removal_counts = Table(
    "removal_counts",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("quantity", BigInteger, nullable=False),
)
