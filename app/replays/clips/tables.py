"""The table of clips: a row is both the request and the task to render it."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from app.db.schema import metadata
from app.db.types import Hex32

# A row goes with its replay (`deletion/hiding.py`).
replay_clips: Final = Table(
    "replay_clips",
    metadata,
    Column("id", Hex32, primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("replay_id", Hex32, nullable=False),
    Column("day", Date, nullable=False),
    # Names the result: the same request for the same state of the replay is one clip.
    Column("result", Hex32, nullable=False),
    Column("format", Text, nullable=False),
    # Both null for the whole replay.
    Column("from_ms", BigInteger),
    Column("to_ms", BigInteger),
    Column("has_taps", Boolean, nullable=False),
    Column("has_caption", Boolean, nullable=False),
    Column("has_body", Boolean, nullable=False),
    # waiting, ready or failed; one that is leased is being rendered.
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # The end of the lease of one process; it is in the past when that process has died.
    Column("leased_until", DateTime(timezone=True)),
    Column("lease", Hex32),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    Column("percent", SmallInteger, nullable=False, server_default=text("0")),
    Column("fault", Text),
    Column("made_by", BigInteger),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    Column("object_key", Text),
    Column("size_bytes", BigInteger),
    Column("width", Integer),
    Column("height", Integer),
    Column("duration_ms", BigInteger),
    UniqueConstraint("project_id", "replay_id", "result", name="uq_replay_clips_project_id"),
)
Index(
    "ix_replay_clips_due",
    replay_clips.c.due_at,
    postgresql_where=replay_clips.c.state == "waiting",
)
