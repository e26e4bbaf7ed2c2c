"""Give frames of the JVM the lines of source code around them, from an uploaded bundle."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from app.formats.debug_files.source_lines import cut_source_lines
from app.formats.jsonish import JsonObject
from app.symbolication.jvm.retrace import read_line

_SUFFIX: Final = ".jvm"
"""sentry-cli gives all sources of a bundle this ending, whatever their language."""
_MOST_FOLDERS: Final = 30


class SourceFinder(Protocol):
    """Finds source code by its address, as an open bundle does."""

    def find_source_by_url(self, url: str) -> str | None:
        """Return the code at an address such as `~/com/acme/shop/Cart.jvm`, or None."""


def add_source_lines(frame: JsonObject, bundles: Sequence[SourceFinder]) -> JsonObject:
    """Return a clear frame with the lines around it; without them if no bundle has its code.

    Args:
        frame: A frame with clear names; one that has source lines already keeps them.
        bundles: The bundles of the event; the first that has the code gives it.
    """
    line = read_line(frame)
    if not line or frame.get("context_line"):
        return frame
    for url in _list_urls(frame):
        for bundle in bundles:
            code = bundle.find_source_by_url(url)
            lines = cut_source_lines(code, line) if code is not None else None
            if lines is not None:
                return {
                    **frame,
                    "pre_context": lines.before,
                    "context_line": lines.line,
                    "post_context": lines.after,
                }
    return frame


def _list_urls(frame: JsonObject) -> Iterator[str]:
    """List the addresses at which the code of a frame may be, the likeliest first.

    Kotlin allows to leave the folders out that all packages of a module have in common, so each
    folder is left out in turn.
    """
    class_name = str(frame.get("module"))
    package, _, name = class_name.rpartition(".")
    folders = package.split(".") if package else []
    names = dict.fromkeys([*_list_file_stems(frame.get("filename")), name.partition("$")[0]])
    for skipped in range(min(len(folders), _MOST_FOLDERS) + 1):
        for stem in names:
            yield "/".join(["~", *folders[skipped:], stem]) + _SUFFIX


def _list_file_stems(file_name: object) -> list[str]:
    """Return a file name without its ending; none for a file that a compiler made up.

    Of a name with several dots sentry-cli takes off the last ending.
    """
    if not isinstance(file_name, str) or "." not in file_name or "$" in file_name:
        return []
    return [file_name.rpartition(".")[0], file_name.partition(".")[0]]
