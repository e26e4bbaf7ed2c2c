"""Reads the view hierarchy that an app attached to an event."""

from collections.abc import Mapping
from typing import Final

from app.core import log
from app.core.errors import ReplayError
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.events import view_hierarchy
from app.formats.events.view_hierarchy import HierarchyView
from app.issues.model import Attachment
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRules
from app.storage.port import ObjectStore

_log: Final = log.get_logger("triage.view_hierarchies")


async def read_view_hierarchy(
    store: ObjectStore, file: Attachment | None, clear_names: Mapping[str, str]
) -> tuple[HierarchyView, ...]:
    """Read which views were on the screen; empty without a file, or if the file is broken.

    It is scrubbed here, because older releases stored it as the app had sent it.

    Args:
        store: The store with the file.
        file: The hierarchy that came with the event.
        clear_names: Clear names of obfuscated classes, as symbolication found them.
    """
    if file is None or file.size_bytes > LIMITS.view_hierarchy_bytes:
        return ()
    try:
        data = await store.read(file.object_key, 0, file.size_bytes)
        sent = jsonish.decode(data, "view hierarchy")
        clean = walk.scrub_json(sent, ScrubRules(), kind=PayloadKind.VIEW_HIERARCHY).value
        clear = view_hierarchy.rename_view_types(clean, clear_names)
        return view_hierarchy.read_view_hierarchy(clear)
    except ReplayError as error:
        _log.warning("view_hierarchy_unreadable", error=str(error))
        return ()
