"""Which scripts a page needs: a module and all that it imports, and what those import."""

import re
from functools import cache
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).resolve().parents[2] / "static"
_IMPORT: Final = re.compile(r'^(?:import|\}) (?:.* )?(?:from )?"(\.[^"]+)";$', re.MULTILINE)


@cache
def modules(entry: str) -> tuple[str, ...]:
    """List a module and all that it imports at once, so that none waits to be named by another."""
    found: dict[str, None] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = None
        source = (STATIC / name).read_text(encoding="utf-8")
        waiting += [_beside(name, relative) for relative in _IMPORT.findall(source)]
    return tuple(found)


def _beside(name: str, relative: str) -> str:
    return (
        (STATIC / name).parent.joinpath(relative).resolve().relative_to(STATIC.resolve()).as_posix()
    )
