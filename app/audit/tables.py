"""Tables of the audit log and of watched replays; a trigger refuses to change or delete a line.

They have no foreign keys: a line outlives the project and the replay that it is about. After a year
the trigger lets a line be deleted.
"""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from app.db.schema import metadata
from app.db.types import Hex32

audit_lines = Table(
    "audit_lines",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("person_id", BigInteger),
    Column("action", Text, nullable=False),
    Column("project_id", BigInteger),
    Column("subject", Text),
    Column("detail", JSONB, nullable=False),
    Index(None, "at", "id"),
    Index(None, "project_id", "at", "id"),
    Index(None, "person_id", "at", "id"),
)

view_log = Table(
    "view_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("person_id", BigInteger, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("replay_id", Hex32, nullable=False),
    Index(None, "project_id", "replay_id", "person_id"),
    Index(None, "at", "id"),
    Index(None, "project_id", "at", "id"),
    Index(None, "person_id", "at", "id"),
)

# Replays that somebody has marked as seen without opening them.
seen_marks = Table(
    "seen_marks",
    metadata,
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("replay_id", Hex32, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
