"""Tables of erasures and of what legal holds keep from them.

A job names people only in `criteria`, which is emptied when it has finished.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from app.db.schema import metadata
from app.db.types import Hex32

erasures: Final = Table(
    "erasures",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # Several jobs are one act of a person when it concerns several projects.
    Column("act_id", Hex32, nullable=False),
    # No foreign key: the receipt outlives the project.
    Column("project_id", BigInteger, nullable=False),
    Column("project_name", Text, nullable=False),
    # replay, replays, person, range or project.
    Column("what", Text, nullable=False),
    # What is to go (`scopes.py`); null once the job has finished.
    Column("criteria", JSONB(none_as_null=True)),
    # What was asked for, without personal data: kinds of names, times.
    Column("summary", JSONB, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    # Null for the command line.
    Column("requested_by", BigInteger),
    Column("state", Text, nullable=False),
    Column("phase", Text, nullable=False),
    # How far the phase got; null at its beginning.
    Column("position", JSONB(none_as_null=True)),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'")),
    Column("size_bytes", BigInteger, nullable=False, server_default=text("0")),
    # Everything that was received until then is gone.
    Column("covers_until", DateTime(timezone=True)),
    Column("worked_at", DateTime(timezone=True), nullable=False),
    # Why it does not go on, for people.
    Column("problem", Text),
    Column("verified_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
)
Index("ix_erasures_open", erasures.c.id, postgresql_where=erasures.c.finished_at.is_(None))
Index("ix_erasures_project", erasures.c.project_id, erasures.c.id)
Index("ix_erasures_act", erasures.c.act_id)

# What holds kept from an erasure, as the receipt names it; `ended_at` when it could go after all.
erasure_holds: Final = Table(
    "erasure_holds",
    metadata,
    Column("erasure_id", BigInteger, primary_key=True, autoincrement=False),
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("replay_id", Hex32, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)
