"""Gives obfuscated Dart names their clear ones: types of exceptions, and views.

    type `aYz`, message `Instance of 'aYz'`, view `aYz<bQ>` ─ Dart symbol map ─► clear names

Frames of Dart are native frames; their names come from the symbols of `--split-debug-info`.
"""

import re
from collections.abc import Callable
from typing import Final, override

from app.core import log
from app.core.errors import MalformedInput
from app.debug_files.model import DebugFileKind, DebugFilePart
from app.formats import jsonish
from app.formats.debug_files.debug_ids import derive_elf_debug_id, normalize_debug_id
from app.formats.debug_files.packed.dart_maps import PackedDartMap
from app.formats.jsonish import JsonObject
from app.symbolication.draft import EventDraft
from app.symbolication.family import EventFiles, LocalFile, SymbolFamily
from app.symbolication.reader_thread import run_in_reader_thread

_SDK: Final = "sentry.dart"
_PLATFORMS: Final = frozenset({"dart", "other"})
_IMAGE_TYPES: Final = frozenset({"elf", "macho", "apple", "pe"})
_MOST_IMAGES: Final = 1_000
_NAME_CHARS: Final = 1_000
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{2,}")
"""Shorter names are words of people more often than classes, unless they stand alone."""
_QUOTED_TYPE: Final = re.compile(r"\b((?:Instance of|type) ')([^'\n]{1,200})(?=')")
"""The texts that Dart writes for an object without `toString`, and about a failed cast."""

_FindName = Callable[[str], str | None]
_logger: Final = log.get_logger("symbolication.dart")


class DartFamily(SymbolFamily):
    """Makes names in events of Dart and Flutter clear."""

    @override
    def list_debug_ids(self, draft: EventDraft) -> list[str]:
        return _list_image_ids(draft) if _has_dart_names(draft) else []

    @override
    def list_urls(self, draft: EventDraft) -> tuple[()]:
        return ()

    @override
    async def rewrite(self, draft: EventDraft, files: EventFiles) -> None:
        for debug_id in self.list_debug_ids(draft):
            for part in files.find_parts(debug_id, DebugFileKind.DART_SYMBOL_MAP):
                file = await files.open_part(part)
                if file is not None and await run_in_reader_thread(_rename, draft, part, file):
                    return


def rename_type(name: str, find_clear_name: _FindName) -> str:
    """Return the name of a type with clear names.

    Args:
        name: An obfuscated name, or several as in `aYz<bQ>`.
        find_clear_name: Returns the clear name of one that is obfuscated, or None.

    Returns:
        The clear name of the whole; else the name with every identifier of three or more characters
        replaced that has a clear name. Each is looked up once.
    """
    whole = find_clear_name(name)
    if whole is not None:
        return whole
    return _IDENTIFIER.sub(lambda match: find_clear_name(match[0]) or match[0], name)


def _has_dart_names(draft: EventDraft) -> bool:
    if not draft.exceptions and not draft.view_types:
        return False
    sdk = jsonish.text(jsonish.mapping(draft.event, "sdk"), "name") or ""
    return sdk.startswith(_SDK) or draft.platform in _PLATFORMS


def _list_image_ids(draft: EventDraft) -> list[str]:
    """Return the ids of the native images in their order; any of them may have the map."""
    ids = (
        normalize_debug_id(image.get("debug_id"))
        or normalize_debug_id(image.get("uuid"))
        or derive_elf_debug_id(image.get("code_id"))
        for image in draft.images[:_MOST_IMAGES]
        if image.get("type") in _IMAGE_TYPES
    )
    return [*dict.fromkeys(debug_id for debug_id in ids if debug_id)]


def _rename(draft: EventDraft, part: DebugFilePart, file: LocalFile) -> bool:
    """Give everything in a draft its clear names; returns whether the map could be read."""
    try:
        names = file.open_reader(PackedDartMap)
        changes = [_rename_exception(each, names.find_clear_name) for each in draft.exceptions]
        clear_types = {name: rename_type(name, names.find_clear_name) for name in draft.view_types}
    except MalformedInput as error:
        _logger.warning("a map of Dart names is damaged", file_id=part.file_id, error=str(error))
        return False
    clear_types = {name: clear for name, clear in clear_types.items() if name != clear}
    draft.clear_view_types |= clear_types
    if any(changes) or clear_types:
        draft.note_use(part.file_id, part.kind, part.debug_id)
    return True


def _rename_exception(exception: JsonObject, find_clear_name: _FindName) -> bool:
    """Rename the type of an exception, and types in its message, in place; returns if any was."""
    type_name = exception.get("type")
    is_changed = False
    if isinstance(type_name, str) and 0 < len(type_name) <= _NAME_CHARS:
        clear = rename_type(type_name, find_clear_name)
        if clear != type_name:
            exception |= {"type": clear, "raw_type": type_name}
            is_changed = True
    value = exception.get("value")
    if isinstance(value, str):
        clear = _QUOTED_TYPE.sub(
            lambda match: match[1] + rename_type(match[2], find_clear_name), value
        )
        if clear != value:
            exception["value"] = clear
            is_changed = True
    return is_changed
