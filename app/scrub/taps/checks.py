"""Checks the tap rules that a person typed, before they are saved."""

import math
from collections.abc import Sequence
from typing import Final

from app.core.errors import InvalidInput
from app.scrub.taps.names import get_matcher
from app.scrub.taps.rules import TapRegion, TapRules

MOST_NAMES: Final = 50
MOST_NAME_CHARS: Final = 80
MOST_REGIONS: Final = 20
_WHOLE: Final = 100
_EDGES: Final = 4


def check_tap_rules(rules: TapRules) -> None:
    """Check that rules can be used.

    Raises:
        InvalidInput: They cannot; the message says which of them.
    """
    _check_names(rules.screens, "names of screens")
    _check_names(rules.views, "names of views")
    if len(rules.regions) > MOST_REGIONS:
        raise InvalidInput(
            f"there are {len(rules.regions)} regions, and at most {MOST_REGIONS} are allowed"
        )
    _check_names([region.screen for region in rules.regions], "screens of regions")
    for region in rules.regions:
        edges = (region.left, region.top, region.right, region.bottom)
        is_inside = all(math.isfinite(edge) and 0 <= edge <= _WHOLE for edge in edges)
        if not (is_inside and region.left < region.right and region.top < region.bottom):
            raise InvalidInput(
                f"the region of “{region.screen}” has the edges {write_edges(region)}: left and"
                " top are less than right and bottom, and all are percent of the screen, 0 to 100"
            )
    get_matcher(rules)


def read_region(line: str) -> TapRegion:
    """Read a region as people type it: `Checkout* 0 60 100 100`.

    Raises:
        InvalidInput: It is not a name and four numbers.
    """
    try:
        screen, *edges = line.rsplit(maxsplit=_EDGES)
        left, top, right, bottom = (float(edge.rstrip("%").replace(",", ".")) for edge in edges)
    except ValueError:
        raise InvalidInput(
            f"“{line[:MOST_NAME_CHARS]}” is no region: write the screen, then left, top, right and"
            " bottom in percent, such as `Checkout* 0 60 100 100`"
        ) from None
    return TapRegion(screen.strip(), left, top, right, bottom)


def write_region(region: TapRegion) -> str:
    """Write a region as people type it."""
    return f"{region.screen} {write_edges(region)}"


def write_edges(region: TapRegion) -> str:
    """Write the edges of a region: left, top, right and bottom in percent."""
    return " ".join(f"{edge:g}" for edge in (region.left, region.top, region.right, region.bottom))


def _check_names(names: Sequence[str], what: str) -> None:
    if len(names) > MOST_NAMES:
        raise InvalidInput(f"there are {len(names)} {what}, and at most {MOST_NAMES} are allowed")
    for name in names:
        if not 0 < len(name) <= MOST_NAME_CHARS or not name.isprintable():
            raise InvalidInput(
                f"“{name[:MOST_NAME_CHARS]}” among the {what} is no name of at most"
                f" {MOST_NAME_CHARS} characters"
            )
