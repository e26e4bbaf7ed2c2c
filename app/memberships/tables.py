"""Tables of the members of projects, and of the people who are invited to one."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Table, Text

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
