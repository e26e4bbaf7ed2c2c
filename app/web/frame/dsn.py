"""The DSNs that pages show."""

from collections.abc import Sequence

from app.formats.wire import credentials
from app.projects.model import ProjectKey
from app.web.frame.house import House


def of(here: House, key: ProjectKey) -> str:
    """Write the DSN of a key, with the address that SDKs use."""
    return credentials.make_dsn(here.settings.base_url, key.public_key, key.project_id)


def first(here: House, keys: Sequence[ProjectKey]) -> str | None:
    """Write the DSN of the first key that is on; None when all are off."""
    return next((of(here, key) for key in keys if key.is_active), None)
