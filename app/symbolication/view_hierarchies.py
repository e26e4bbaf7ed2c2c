"""Reads the classes in the view hierarchy of an event, so that a mapping can give them clear names.

The file stays as it was sent. The clear names are stored beside the clear stack; a second version
of the file with these names is made whenever somebody opens it.
"""

from app.core.errors import NotFound, RequestRefused
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.events import view_hierarchy
from app.issues.model import Attachment
from app.storage.port import ObjectStore


def read_view_types(data: bytes | memoryview) -> frozenset[str]:
    """Return the classes in a view hierarchy; none if it is empty, too large or broken."""
    if not data or len(data) > LIMITS.view_hierarchy_bytes:
        return frozenset()
    try:
        hierarchy = jsonish.decode(data, "view hierarchy")
    except RequestRefused:
        return frozenset()
    return frozenset(view_hierarchy.list_view_types(hierarchy))


async def read_stored_view_types(store: ObjectStore, file: Attachment | None) -> frozenset[str]:
    """Return the classes in a view hierarchy that is stored; none without a file.

    Raises:
        ServiceUnavailable: The store does not answer.
    """
    if file is None or file.size_bytes > LIMITS.view_hierarchy_bytes:
        return frozenset()
    try:
        return read_view_types(await store.read(file.object_key, 0, file.size_bytes))
    except NotFound:
        return frozenset()
