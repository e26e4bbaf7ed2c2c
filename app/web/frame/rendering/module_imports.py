"""Finds the modules that a module of the checkout imports, so that a page can name them all.

A browser learns of the imports of a module when it has read the module: each level costs a round
trip.
"""

import posixpath
import re
from typing import Final

from app.core.shipped import STATIC

_IMPORT: Final = re.compile(r'^import (?:\{[^}]*\} from )?"(\.[^"]+)";$', re.MULTILINE)


def list_modules(entry: str) -> list[str]:
    """Return a module and all modules that it imports, by their paths below `static/`."""
    modules = [entry]
    for name in modules:
        for relative in _IMPORT.findall((STATIC / name).read_text(encoding="utf-8")):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(name), relative))
            if imported not in modules:
                modules.append(imported)
    return modules
