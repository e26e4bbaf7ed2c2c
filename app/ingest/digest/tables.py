"""The table of the marks, which say how far each journal has been digested."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Integer, Table, Text

from app.db.schema import metadata

journal_marks: Final = Table(
    "journal_marks",
    metadata,
    Column("journal_id", Text, primary_key=True),
    Column("stored_seq", BigInteger, nullable=False),
    Column("moved_at", DateTime(timezone=True), nullable=False),
    # Raised by whoever claims the mark; a release before epochs neither reads nor writes these.
    Column("owner_epoch", Integer, nullable=False, server_default="0"),
    Column("claimed_at", DateTime(timezone=True)),
)
