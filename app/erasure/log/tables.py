"""Tables between the database and the log of erasures, which is a file.

A line is written with the transaction that erases, and reaches the file a moment later. The
database knows how much of each file it has seen: a restored one knows less than there is.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Identity, Table
from sqlalchemy.dialects.postgresql import JSONB

from app.db.schema import metadata
from app.db.types import Hex32

erasure_log_lines: Final = Table(
    "erasure_log_lines",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("body", JSONB, nullable=False),
)

erasure_logs: Final = Table(
    "erasure_logs",
    metadata,
    Column("log_id", Hex32, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
)
