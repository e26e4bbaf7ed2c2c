"""Values that the templates of a project's API tokens read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.core.ids import ProjectId

TokenState = Literal["on", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class TokenCard:
    """A token in the list; its secret is stored nowhere."""

    name: str
    ending: str
    """The last characters of its secret."""
    state: TokenState
    may_do: str
    """Its permissions, in words."""
    is_wide: bool
    """True if it reaches all projects that its maker administers."""
    maker: str
    made_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    """The time at which it was revoked, or expired."""
    last_used_at: datetime | None
    last_address: str | None
    is_in_use: bool
    """True if something used it in the last days, so that revoking it stops that."""
    revoke_href: str | None
    """None if it does not work any more, or if another person has to revoke it."""


@dataclass(frozen=True, slots=True)
class TokenForm:
    """The form for a new token, as it was typed after a mistake."""

    name: str = ""
    may_upload: bool = True
    may_read: bool = False
    is_wide: bool = False
    days: str = ""
    """The days after which it ends; empty for never."""
    address: str = ""
    """The address that it names; asked for only where the server has no public one."""
    asks_address: bool = False


@dataclass(frozen=True, slots=True)
class TokensPage:
    """The tokens that reach a project, and a form for a new one."""

    project_id: ProjectId
    name: str
    tokens: tuple[TokenCard, ...]
    """The tokens that work."""
    ended: tuple[TokenCard, ...]
    """Tokens that are revoked or expired, the newest first."""
    form: TokenForm
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class NewTokenPage:
    """A token that was made just now, the one time that it is shown."""

    project_id: ProjectId
    name: str
    token_name: str
    secret: str
    environment: str
    """The variables that build tools read, one on a line."""
    address: str
    may_do: str
    is_wide: bool
    expires_at: datetime | None
