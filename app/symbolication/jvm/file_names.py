"""Tell the source file of a clear class from its mapping, from what was sent, or from its name."""

import re
from collections.abc import Callable
from typing import Final

_MAP_ID: Final = "r8-map-id-"
"""R8 writes the id of the mapping in place of the file."""
_SYNTHETIC: Final = "$$SyntheticClass"
"""Classes that R8 or D8 made are said to come from `R8$$SyntheticClass` or `D8$$SyntheticClass`."""
_OUTER: Final = re.compile(r"([^$]*)(?:\$.*)?", re.DOTALL)
_LAMBDA: Final = "-$$Lambda$"
"""Until 2021 D8 named the classes of lambdas in `Cart` so, and then `Cart$` and a hash."""
_COMPOSABLES: Final = "ComposableSingletons$"
"""The Compose compiler gives `AppKt` a class of this name, a dollar and `AppKt`."""


def is_file_name(sent: object) -> bool:
    """Tell whether the file of a frame, or of a class in a mapping, is the name of a file.

    Shrinkers write `SourceFile`, `r8-map-id-4fe1c2a` or any word that a build chose, and Android
    writes `Unknown Source`; names of files have an ending.
    """
    return (
        isinstance(sent, str)
        and "." in sent[1:-1]
        and not sent.startswith(_MAP_ID)
        and _SYNTHETIC not in sent
    )


def find_file_name(
    class_name: str, find_source_file: Callable[[str], str | None], *, like: str | None = None
) -> str:
    """Return the source file of a class that did not come with one.

    Args:
        class_name: The clear name with its package, such as `com.acme.Cart$Line`.
        find_source_file: Returns the file that the mapping notes for a clear class, if any.
        like: The file of the class that this one was inlined into, which is in the same language
            more often than not.

    Returns:
        The file noted for the class or for the class around it; else one that follows from its
        name: `Cart.java`, and `Cart.kt` for `CartKt`.
    """
    package, _, name = class_name.rpartition(".")
    prefix = f"{package}." if package else ""
    outer = _read_outer_class(name)
    for candidate in (class_name, prefix + outer):
        noted = find_source_file(candidate)
        if noted is not None and is_file_name(noted):
            return noted
    if outer.endswith("Kt") and len(outer) > len("Kt"):
        # A file with @JvmMultifileClass becomes classes such as `CollectionsKt__IterablesKt`.
        return outer.rpartition("__")[2].removesuffix("Kt") + ".kt"
    _, dot, extension = (like or "").rpartition(".")
    return f"{outer}.{extension if dot and extension in ('java', 'kt') else 'java'}"


def _read_outer_class(name: str) -> str:
    """Return the class that a file is called after: `Cart` for `Cart$Line` and `Cart$$Lambda0`."""
    name = name.removeprefix(_COMPOSABLES).removeprefix(_LAMBDA)
    match = _OUTER.fullmatch(name)
    return (match[1] if match else "") or name.strip("$")
