"""Tables of what build servers say about releases, and what SDKs report about sessions."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.schema import metadata
from app.db.types import Hex32

release_sessions: Final = Table(
    "release_sessions",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("release", Text, primary_key=True),
    Column("environment", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("quantity", BigInteger, nullable=False),
)
Index("ix_release_sessions_day", release_sessions.c.project_id, release_sessions.c.day.desc())

# Statuses of sessions that are counted already: SDKs report an end twice, and send again what was
# not answered.
session_marks: Final = Table(
    "session_marks",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sid", Hex32, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("day", Date, nullable=False),
)

# Releases that a build server has named; others are known from their sessions alone.
releases: Final = Table(
    "releases",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Text, primary_key=True),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("started_at", DateTime(timezone=True)),
    Column("released_at", DateTime(timezone=True)),
    Column("url", Text),
    Column("ref", Text),
    Column("is_archived", Boolean, nullable=False, server_default=text("false")),
    Column("commits", JSONB, nullable=False, server_default=text("'[]'")),
    Index("ix_releases_made_at", "project_id", "made_at"),
)

deploys: Final = Table(
    "deploys",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("name", Text),
    Column("url", Text),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["project_id", "version"], ["releases.project_id", "releases.version"], ondelete="CASCADE"
    ),
    Index(None, "project_id", "version"),
)
