"""The scripts that an event names, with their debug ids and the addresses of their source maps."""

import re
from dataclasses import dataclass
from typing import Final

from app.formats.debug_files import script_urls
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.formats.jsonish import JsonObject
from app.symbolication.draft import EventDraft

_PLATFORMS: Final = frozenset({"javascript", "node"})
_SCRIPT_IMAGE: Final = "sourcemap"
_MOST_SCRIPTS: Final = 100
"""Scripts of one event; a page that is divided into many has a stack over ten of them."""
_URL_CHARS: Final = 2_000
_DEVELOPMENT: Final = re.compile(
    r"https?://(?:localhost|127\.\d+\.\d+\.\d+|10\.0\.2\.2|192\.168\.\d+\.\d+|\[::1\])(?:[:/]|\Z)"
)
"""Servers of developers, whose scripts nobody uploads."""


@dataclass(frozen=True, slots=True)
class EventScript:
    """A script that frames of an event name."""

    url: str
    """As the frames name it."""
    debug_id: str | None
    """Normalised debug id of the script, if the event says it."""

    @property
    def candidates(self) -> list[str]:
        """The addresses under which a bundle may have the script or its map, the best first."""
        urls = script_urls.list_url_candidates(self.url)
        return [*urls, *(f"{url}.map" for url in urls if "?" not in url)]

    @property
    def is_of_developer(self) -> bool:
        """True if it comes from a development server, which sends no minified code."""
        return _DEVELOPMENT.match(self.url) is not None


def list_scripts(draft: EventDraft) -> dict[str, EventScript]:
    """List the scripts that frames of JavaScript name, by the address in the frames."""
    scripts: dict[str, EventScript] = {}
    ids: dict[str, str] | None = None
    for frame in (frame for stack in draft.stacks for frame in stack.frames):
        url = read_script_url(draft, frame)
        if url is None or url in scripts or len(scripts) >= _MOST_SCRIPTS:
            continue
        if ids is None:
            ids = _read_script_ids(draft)
        other_name = frame.get("filename")
        debug_id = ids.get(url) or ids.get(script_urls.leave_out_query(url))
        if debug_id is None and isinstance(other_name, str):
            debug_id = ids.get(other_name)
        scripts[url] = EventScript(url, debug_id)
    return scripts


def read_script_url(draft: EventDraft, frame: JsonObject) -> str | None:
    """Return the address of the script of a frame.

    Returns:
        None for code of the engine, and for a frame of another platform, such as one of Java in an
        event of React Native.
    """
    if draft.platform_of(frame) not in _PLATFORMS:
        return None
    for name in ("abs_path", "filename"):
        url = frame.get(name)
        if isinstance(url, str) and url:
            is_script = len(url) <= _URL_CHARS and script_urls.is_script_address(url)
            return url if is_script else None
    return None


def _read_script_ids(draft: EventDraft) -> dict[str, str]:
    """Return the debug ids of scripts by their addresses; of two for one address, the first."""
    ids: dict[str, str] = {}
    for image in draft.images:
        if image.get("type") == _SCRIPT_IMAGE:
            url, debug_id = image.get("code_file"), normalize_debug_id(image.get("debug_id"))
            if isinstance(url, str) and debug_id is not None:
                ids.setdefault(url, debug_id)
    return ids
