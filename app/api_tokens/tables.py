"""The table of API tokens. A stolen copy opens nothing: it holds SHA-256 of 256 random bits."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema import metadata

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("ending", Text, nullable=False),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), index=True),
    Column("scopes", ARRAY(Text), nullable=False),
    # A token for all projects of its maker goes with the maker.
    Column("made_by", ForeignKey("people.id", ondelete="CASCADE"), index=True),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    Column("last_used_at", DateTime(timezone=True)),
    Column("last_address", Text),
    # The networks that it was used from, the latest last; a use from another is worth a log line.
    Column("networks", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    CheckConstraint("project_id is not null or made_by is not null", name="reaches_something"),
)
