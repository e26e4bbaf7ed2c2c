"""Tables of people, their sign-ins and identities, sign-in links and failed attempts."""

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
    UniqueConstraint,
    func,
    text,
)

from app.db.schema import metadata

people = Table(
    "people",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("is_admin", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("disabled_at", DateTime(timezone=True)),
    Column("origin", Text, nullable=False, server_default="local"),
    Column("last_sign_in_at", DateTime(timezone=True)),
    CheckConstraint("email = lower(email)", name="email_is_lower"),
    CheckConstraint("origin in ('local', 'provider')", name="origin_is_known"),
)

# A stolen copy of these two tables signs nobody in: they hold SHA-256 of 256-bit tokens.
sign_ins = Table(
    "sign_ins",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("address", Text, nullable=False, server_default=""),
)

# Who people are at a sign-in provider.
identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("linked_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("person_id", "issuer"),
)

# One row for each sign-in that came from a provider.
provider_checks = Table(
    "provider_checks",
    metadata,
    Column(
        "token_sha256",
        ForeignKey("sign_ins.token_sha256", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sealed_tokens", LargeBinary, nullable=False),
    Column("checked_at", DateTime(timezone=True), nullable=False),
    Column("check_at", DateTime(timezone=True), nullable=False),
    Column("unanswered_since", DateTime(timezone=True)),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

# One row for each attempt that has not succeeded, also for addresses that nobody has.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("email", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index(None, "email", "address", "at"),
    Index(None, "email", "at"),
    Index(None, "address", "at"),
    Index(None, "at"),
)

sign_in_places = Table(
    "sign_in_places",
    metadata,
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("network", Text, primary_key=True),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Index(None, "last_at"),
)
