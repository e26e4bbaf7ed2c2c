"""The order of releases: which of two is the later one.

    shop@4.2.0+118  <  shop@4.2.0+119  <  shop@4.10.0       by the numbers of version and build
    shop@4.2.0-beta.1  <  shop@4.2.0                        what is not final comes before
    3f2a91bc                                                a commit: it has no order

Releases of different packages have no order either.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_VERSION: Final = re.compile(
    r"(?P<numbers>\d{1,9}(?:\.\d{1,9}){0,5})(?:[-_.]?(?P<early>[A-Za-z][0-9A-Za-z.\-]*))?"
)
_DIGITS: Final = re.compile(r"\d{1,18}|[A-Za-z]+")
_FINAL: Final = "~"
"""Sorts after every letter."""


@dataclass(frozen=True, slots=True)
class _ParsedRelease:
    package: str
    place: tuple[tuple[int, ...], str, tuple[tuple[int, str], ...], int]


def is_later_release(release: str, than: str) -> bool | None:
    """Tell whether a release is later than another; None where they have no order."""
    one, other = _parse_release(release), _parse_release(than)
    if one is None or other is None or one.package != other.package:
        return None
    return one.place > other.place


def find_latest_release(releases: Iterable[str], otherwise: str | None) -> str | None:
    """Return the latest of some releases; `otherwise` stands where there is no order."""
    found = otherwise
    for release in releases:
        if found is None or is_later_release(release, found):
            found = release
    return found


def sort_releases(releases: Iterable[str]) -> list[str]:
    """Sort releases by package, the latest first; what has no order stays as given, at the end."""
    given = [(release, _parse_release(release)) for release in releases]
    ordered = [(release, version) for release, version in given if version is not None]
    ordered.sort(key=lambda one: one[1].place, reverse=True)
    ordered.sort(key=lambda one: one[1].package)
    return [release for release, _ in ordered] + [
        release for release, version in given if version is None
    ]


def _parse_release(release: str) -> _ParsedRelease | None:
    package, _, version = release.rpartition("@")
    version, _, build = version.partition("+")
    read = _VERSION.fullmatch(version)
    # A number alone is a build or a date only in a package of its own; a commit may be all digits.
    if read is None or ("." not in version and not package):
        return None
    numbers = tuple(int(part) for part in read["numbers"].split("."))
    while numbers and numbers[-1] == 0:
        numbers = numbers[:-1]
    early = read["early"] or ""
    parts = tuple(
        (int(part), "") if part.isdigit() else (-1, part.lower()) for part in _DIGITS.findall(early)
    )
    is_number = build.isascii() and build.isdigit() and len(build) <= 18  # noqa: PLR2004 - 64 bits
    return _ParsedRelease(
        package, (numbers, "" if early else _FINAL, parts, int(build) if is_number else 0)
    )
