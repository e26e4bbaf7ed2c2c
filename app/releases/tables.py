"""Tables of what SDKs report about sessions."""

from typing import Final

from sqlalchemy import BigInteger, Column, Date, Index, Table, Text

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
