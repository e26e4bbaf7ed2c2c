"""Turns the keys of a project into the values of their page."""

from datetime import datetime, timedelta
from typing import Final

from app.administration.projects.project_keys import ProjectKeys
from app.core import clock
from app.memberships.model import ProjectAccess
from app.projects.model import ProjectKey
from app.web.frame.dsn import write_dsn
from app.web.frame.services import PageServices
from app.web.keys.page import KeyForm, KeysPage
from app.web.urls import project_urls

_IN_USE: Final = timedelta(days=30)
"""A key that was used in this time is likely to be in an app that people have."""
_LABEL_CHARS: Final = 200


def build_keys_page(
    services: PageServices,
    access: ProjectAccess,
    project_keys: ProjectKeys,
    *,
    label: str = "",
    problem: str | None = None,
) -> KeysPage:
    """Build the page of a project's keys.

    Args:
        services: Has the address that SDKs use.
        access: The project.
        project_keys: Its keys.
        label: The name that was typed for a new key, after a mistake.
        problem: The mistake to correct, if any.
    """
    now = clock.now()
    return KeysPage(
        project_id=access.project.id,
        name=access.project.name,
        keys=tuple(
            _build_form(services, key, active=project_keys.active, now=now)
            for key in project_keys.keys
        ),
        has_active=project_keys.active > 0,
        label=label[:_LABEL_CHARS],
        problem=problem,
    )


def _build_form(services: PageServices, key: ProjectKey, *, active: int, now: datetime) -> KeyForm:
    return KeyForm(
        label=key.label or "Without a name",
        dsn=write_dsn(services, key),
        is_active=key.is_active,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        has_been_used=key.has_been_used,
        is_in_use=key.last_used_at is not None and now - key.last_used_at < _IN_USE,
        is_last=key.is_active and active == 1,
        rename_href=project_urls.rename_key(key.project_id, key.public_key),
        switch_href=project_urls.switch_key(key.project_id, key.public_key),
    )
