"""The table of the marks, which say how far each journal has been digested."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Table, Text

from app.db.schema import metadata

journal_marks: Final = Table(
    "journal_marks",
    metadata,
    Column("journal_id", Text, primary_key=True),
    Column("stored_seq", BigInteger, nullable=False),
    Column("moved_at", DateTime(timezone=True), nullable=False),
)
