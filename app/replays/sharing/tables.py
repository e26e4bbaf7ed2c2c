"""Tables of share links. A stolen copy opens nothing: it holds SHA-256 of 256 random bits."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema import metadata
from app.db.types import Hex32

# A row stays for a while when its share has ended, so that people find it in the list of what they
# have handed out; it goes with its replay at the latest (`deletion/hiding.py`).
replay_shares: Final = Table(
    "replay_shares",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("project_id", BigInteger, nullable=False),
    Column("replay_id", Hex32, nullable=False),
    # link: a page for people; picture: the poster of the replay, for a message.
    Column("kind", Text, nullable=False),
    # Both null for the whole replay; milliseconds on the player's clock.
    Column("from_ms", BigInteger),
    Column("to_ms", BigInteger),
    # Where that clock began when the share was made, in milliseconds since 1970.
    Column("zero_at_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("panels", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("shows_bodies", Boolean, nullable=False, server_default=text("false")),
    # Origins of sites that may show it in a frame.
    Column("frame_origins", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("note", Text, nullable=False, server_default=text("''")),
    # Null for what the program hands out by itself.
    Column("made_by", BigInteger),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_by", BigInteger),
    Column("views", BigInteger, nullable=False, server_default=text("0")),
    Column("viewed_at", DateTime(timezone=True)),
    CheckConstraint("kind in ('link', 'picture')", name="kind_is_known"),
    CheckConstraint(
        "(from_ms is null and to_ms is null) or (from_ms >= 0 and to_ms > from_ms)",
        name="range_has_a_length",
    ),
    CheckConstraint("expires_at <= made_at + interval '31 days'", name="expires_soon"),
)
Index("ix_replay_shares_replay", replay_shares.c.project_id, replay_shares.c.replay_id)
# For the list of what a project has handed out and not taken back.
Index(
    "ix_replay_shares_open",
    replay_shares.c.project_id,
    replay_shares.c.kind,
    replay_shares.c.id,
    postgresql_where=replay_shares.c.revoked_at.is_(None),
)

# The visitors of a share within the last hours, as SHA-256 of their address and the share's id:
# requests that follow a view belong to it, whichever process answers.
share_visits: Final = Table(
    "share_visits",
    metadata,
    Column(
        "share_id",
        BigInteger,
        ForeignKey("replay_shares.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("visitor_sha256", LargeBinary, primary_key=True),
    Column("visited_at", DateTime(timezone=True), nullable=False),
)
Index("ix_share_visits_visited_at", share_visits.c.visited_at)
