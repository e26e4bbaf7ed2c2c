"""Finds what a module of the checkout imports, so that a page can name it all at once.

A browser learns of a module's imports when it has the module: each level costs a round trip.
"""

import posixpath
import re
from typing import Final

from app.core.shipped import STATIC

_IMPORT: Final = re.compile(r'^import (?:\{[^}]*\} from )?"(\.[^"]+)";$', re.MULTILINE)


def list_modules(entry: str) -> list[str]:
    """Return a module and all that it imports at once, each once, named below `static/`."""
    found = [entry]
    for name in found:
        for relative in _IMPORT.findall((STATIC / name).read_text(encoding="utf-8")):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(name), relative))
            if imported not in found:
                found.append(imported)
    return found
