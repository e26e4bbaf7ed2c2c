"""Writes the DSNs that pages show."""

from app.formats.wire import credentials
from app.projects.model import ProjectKey
from app.web.frame.services import PageServices


def write_dsn(services: PageServices, key: ProjectKey) -> str:
    """Write the DSN of a key, with the address that SDKs use."""
    return credentials.make_dsn(services.settings.base_url, key.public_key, key.project_id)


def write_active_dsn(services: PageServices, active_key: ProjectKey | None) -> str | None:
    """Write the DSN of a project's key that is on; None if all its keys are off."""
    return None if active_key is None else write_dsn(services, active_key)
