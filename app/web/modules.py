"""Joins a script and all that it imports into one, so that none waits to be named by another.

    import { at } from "./index.js";     const $3 = (() => { const { at } = $2;
    export function gapAt(…) {…}           function gapAt(…) {…} return { gapAt }; })();

Modules come in the order in which they run, the named one last and unwrapped: it keeps its exports
and may wait. What is imported later (`import("./main.js")`) stays a script of its own, joined too,
for its address is taken from the address of this one; a script inside a page has none, and names it
from `/`.
"""

import posixpath
import re
from functools import cache
from typing import Final

from app.core.shipped import STATIC

_IMPORT: Final = re.compile(r'^import (?:(\{[^}]*\}) from )?"(\.[^"]+)";$', re.MULTILINE)
_LATER: Final = re.compile(r'(?<!\{)\bimport\("(\.[^"]+)"\)')
_EXPORT: Final = re.compile(
    r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE
)


@cache
def modules(entry: str) -> tuple[str, ...]:
    """List a module and all that it imports at once, each after those that it imports.

    Raises:
        ValueError: Modules import one another in a circle.
    """
    found: list[str] = []
    _visit(entry, found, [])
    return tuple(found)


def _visit(name: str, found: list[str], above: list[str]) -> None:
    if name in above:
        raise ValueError(f"{' imports '.join([*above, name])}")
    for _, relative in _IMPORT.findall(_source(name)):
        imported = _beside(name, relative)
        if imported not in found:
            _visit(imported, found, [*above, name])
    found.append(name)


@cache
def joined(entry: str, *, inside: str | None = None) -> str:
    """Write a module with all that it imports as one.

    Args:
        entry: The module, below `static/`.
        inside: Where `static/` is served, for a script that stands in a page itself.
    """
    names = modules(entry)
    number = {name: f"${place}" for place, name in enumerate(names)}

    def import_of(name: str) -> str:
        def replace(found: re.Match[str]) -> str:
            wanted = (found[1] or "").replace(" as ", ": ")
            # The lines stay, so that those of a message can be counted from the module's name.
            return f"const {wanted} = {number[_beside(name, found[2])]};" if wanted else ""

        later = _IMPORT.sub(replace, _source(name))
        return _LATER.sub(lambda found: f'import("{address(_beside(name, found[1]))}")', later)

    def address(name: str) -> str:
        return _from(entry, name) if inside is None else f"{inside}/joined/{name}"

    parts = []
    for name in names[:-1]:
        body, exports = import_of(name), _EXPORT.findall(_source(name))
        inner = _EXPORT.sub("", body)
        parts.append(
            f"const {number[name]} = (() => {{ // {name}\n{inner}"
            f"return {{ {', '.join(exports)} }};\n}})();\n"
        )
    return "".join([*parts, f"// {entry}\n", import_of(entry)])


def _source(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _beside(name: str, relative: str) -> str:
    """Return what an address in a module names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), relative))


def _from(entry: str, name: str) -> str:
    """Return the address of a module in another."""
    relative = posixpath.relpath(name, posixpath.dirname(entry))
    return relative if relative.startswith(".") else f"./{relative}"
