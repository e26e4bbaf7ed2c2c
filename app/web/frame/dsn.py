"""The DSNs that pages show."""

from collections.abc import Sequence

from app.formats.wire import credentials
from app.projects.model import ProjectKey
from app.web.frame.services import PageServices


def write_dsn(here: PageServices, key: ProjectKey) -> str:
    """Write the DSN of a key, with the address that SDKs use."""
    return credentials.make_dsn(here.settings.base_url, key.public_key, key.project_id)


def write_first_dsn(here: PageServices, keys: Sequence[ProjectKey]) -> str | None:
    """Write the DSN of the first key that is on; None when all are off."""
    return next((write_dsn(here, key) for key in keys if key.is_active), None)
