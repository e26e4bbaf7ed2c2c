"""The order of releases: which of two is the later one.

    shop@4.2.0+118  <  shop@4.2.0+119  <  shop@4.10.0       by the numbers of version and build
    shop@4.2.0-beta.1  <  shop@4.2.0                        early releases come before final ones
    3f2a91bc                                                a commit, which has no order

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
"""Stands for a final release, and sorts after every letter."""


@dataclass(frozen=True, slots=True)
class _ParsedRelease:
    """A release as a package and a key by which releases of that package are sorted."""

    package: str
    sort_key: tuple[tuple[int, ...], str, tuple[tuple[int, str], ...], int]


def is_later_release(release: str, than: str) -> bool | None:
    """Tell whether a release is later than another; None if they have no order."""
    parsed, other = _parse_release(release), _parse_release(than)
    if parsed is None or other is None or parsed.package != other.package:
        return None
    return parsed.sort_key > other.sort_key


def find_latest_release(releases: Iterable[str], otherwise: str | None) -> str | None:
    """Return the latest of some releases.

    Args:
        releases: The releases.
        otherwise: The release to return if no other is later, or None for the first of them.
    """
    latest = otherwise
    for release in releases:
        if latest is None or is_later_release(release, latest):
            latest = release
    return latest


def sort_releases(releases: Iterable[str]) -> list[str]:
    """Sort releases by package, latest first; those without an order stay as given, at the end."""
    parsed = [(release, _parse_release(release)) for release in releases]
    ordered = [(release, version) for release, version in parsed if version is not None]
    ordered.sort(key=lambda pair: pair[1].sort_key, reverse=True)
    ordered.sort(key=lambda pair: pair[1].package)
    unordered = [release for release, version in parsed if version is None]
    return [release for release, _ in ordered] + unordered


def _parse_release(release: str) -> _ParsedRelease | None:
    package, _, version = release.rpartition("@")
    version, _, build = version.partition("+")
    match = _VERSION.fullmatch(version)
    # A number alone is a build or a date only in a package of its own; a commit may be all digits.
    if match is None or ("." not in version and not package):
        return None
    numbers = tuple(int(part) for part in match["numbers"].split("."))
    while numbers and numbers[-1] == 0:
        numbers = numbers[:-1]
    early = match["early"] or ""
    parts = tuple(
        (int(part), "") if part.isdigit() else (-1, part.lower()) for part in _DIGITS.findall(early)
    )
    is_number = build.isascii() and build.isdigit() and len(build) <= 18  # noqa: PLR2004 - 64 bits
    return _ParsedRelease(
        package, (numbers, "" if early else _FINAL, parts, int(build) if is_number else 0)
    )
