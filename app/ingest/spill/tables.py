"""The table of the keys with which spilled files are encrypted."""

from typing import Final

from sqlalchemy import Column, DateTime, Identity, Integer, LargeBinary, Table, func

from app.db.schema import metadata

spill_keys: Final = Table(
    "spill_keys",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
