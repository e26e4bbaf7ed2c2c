"""Tables of pins and holds, and of replays that a keep rule has yet to judge."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Index, Table, Text, func

from app.db.schema import metadata
from app.db.types import Hex32

replay_pins: Final = Table(
    "replay_pins",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("replay_id", Hex32, primary_key=True),
    Column("pinned_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("pinned_by", BigInteger),
)

# A hold counts until it expires; the row stays until somebody releases it or its replay is gone.
replay_holds: Final = Table(
    "replay_holds",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("replay_id", Hex32, primary_key=True),
    # The name of the matter: several replays can be held under one name.
    Column("name", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("held_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("held_by", BigInteger),
)

# Closed replays of projects with keep rules, until they are judged.
keep_checks: Final = Table(
    "keep_checks",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("replay_id", Hex32, primary_key=True),
    Column("closed_at", DateTime(timezone=True), nullable=False),
)
Index("ix_keep_checks_closed_at", keep_checks.c.project_id, keep_checks.c.closed_at)
