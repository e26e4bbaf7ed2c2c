"""Tables of the debug files that events miss, and of the events that wait for a worker."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)

from app.db.schema import metadata
from app.db.types import Hex32

missing_files: Final = Table(
    "missing_files",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Hex32, primary_key=True),
    Column("kind", Text, primary_key=True),
    # The debug id, or what else finds the file (`missing_files.make_file_key`).
    Column("file_key", Text, primary_key=True),
    Column("name", Text, primary_key=True, server_default=text("''")),
    # The day of the event's row.
    Column("day", Date, nullable=False),
    Column("noted_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("debug_id", Text),
    Column("arch", Text),
    Column("release", Text),
    Column("dist", Text),
    Column("frames", Integer, nullable=False),
    Column("reason", Text, nullable=False),
)
# The newest events that miss a file: those that are done first when it comes.
Index(
    "ix_missing_files_newest",
    missing_files.c.project_id,
    missing_files.c.file_key,
    missing_files.c.noted_at.desc(),
    missing_files.c.event_id.desc(),
)
Index("ix_missing_files_day", missing_files.c.day)

# Events whose files were not at hand when they came, and those that a person asked for.
symbolication_queue: Final = Table(
    "symbolication_queue",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Hex32, primary_key=True),
    # The day of the event's row.
    Column("day", Date, nullable=False),
    Column("queued_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    # It moves on while a worker has the event, and after a failure.
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
)
Index("ix_symbolication_queue_due_at", symbolication_queue.c.due_at)
