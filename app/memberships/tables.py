"""Tables of the members of projects, and of the people who are invited to one."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
)

from app.db.schema import metadata

members = Table(
    "members",
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", Text, nullable=False),
    CheckConstraint("role in ('owner', 'admin', 'member', 'viewer')", name="role_is_known"),
)

project_invitations = Table(
    "project_invitations",
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("email", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("invited_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("role in ('owner', 'admin', 'member', 'viewer')", name="role_is_known"),
    Index(None, "email"),
    Index(None, "invited_at"),
)

# The roles that groups of a sign-in provider have given. A member whose role is another one by now
# has it from a person, and groups no longer decide about it.
group_roles = Table(
    "group_roles",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person_id", BigInteger, primary_key=True, autoincrement=False, index=True),
    Column("role", Text, nullable=False),
    ForeignKeyConstraint(
        ["project_id", "person_id"],
        ["members.project_id", "members.person_id"],
        ondelete="CASCADE",
    ),
)
