"""Values that the template of a project's keys reads."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId


@dataclass(frozen=True, slots=True)
class KeyForm:
    """A key, and what stops when it is switched off."""

    label: str
    dsn: str
    is_active: bool
    created_at: datetime
    last_used_at: datetime | None
    has_been_used: bool
    is_in_use: bool
    """True if something used it in the last days, so that switching it off stops that."""
    is_last: bool
    """True if it is the only key that is on."""
    rename_href: str
    switch_href: str


@dataclass(frozen=True, slots=True)
class KeysPage:
    """The keys of a project, in forms."""

    project_id: ProjectId
    name: str
    keys: tuple[KeyForm, ...]
    has_active: bool
    label: str = ""
    """The name that was typed for a new key, after a mistake."""
    problem: str | None = None
