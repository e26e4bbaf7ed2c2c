"""Lists known faults of recording SDKs that replays of old versions may show.

Each line of the table names the SDK, the version with the fix, the fault, and whether it concerns
privacy. When an SDK ships a fix that can be seen in replays, add a line.

Source: the changelogs and documentation of each SDK; docs/protocol.md, section 6.6.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.formats import jsonish
from app.formats.jsonish import JsonObject

SdkFamily = Literal["android", "cocoa", "react-native", "flutter"]

_VERSION: Final = re.compile(r"(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?")
_FAMILIES: Final[tuple[tuple[str, SdkFamily], ...]] = (
    ("sentry.javascript.react-native", "react-native"),
    ("sentry.dart.flutter", "flutter"),
    ("sentry.java.android", "android"),
    ("sentry.cocoa", "cocoa"),
)
_NAMES: Final[dict[SdkFamily, str]] = {
    "android": "Android SDK",
    "cocoa": "Cocoa SDK",
    "react-native": "React Native SDK",
    "flutter": "Flutter SDK",
}

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SdkFault:
    """A fault of an SDK, and the version that fixes it."""

    family: SdkFamily
    fixed_in: Version
    text: str
    is_private: bool = False
    """True if replays may show what should have been masked."""
    since_os: int | None = None
    """The major version of the system from which on the fault occurs; None for any."""


@dataclass(frozen=True, slots=True)
class KnownFault:
    """A fault that a replay may have, in words."""

    text: str
    is_private: bool


MINIMUM: Final[dict[SdkFamily, Version]] = {
    "android": (7, 20, 0),
    "cocoa": (8, 43, 0),
    "react-native": (6, 5, 0),
    "flutter": (9, 0, 0),
}
"""The first versions in which replays are no longer a preview."""

FAULTS: Final = (
    SdkFault("android", (8, 14, 0), "text in Jetpack Compose views may not be masked",
          is_private=True),
    SdkFault("cocoa", (9, 11, 0), "SwiftUI text and images may not be masked on iOS 26 and later",
          is_private=True, since_os=26),
    *(
        SdkFault(family, version, "replays were a preview; parts may be missing")
        for family, version in MINIMUM.items()
    ),
    SdkFault("android", (8, 3, 0), "a change of the phone's clock can make a segment endless"),
    SdkFault("android", (8, 13, 3), "segments can be doubled or left out"),
    SdkFault("android", (8, 22, 0), "after an error, recording may not go on"),
    SdkFault("android", (8, 43, 1), "segments name no traces, so fewer backend errors are linked"),
    SdkFault("android", (8, 49, 0), "a replay kept from before an error may lack its beginning"),
    SdkFault("cocoa", (9, 19, 0), "videos can be shorter than the time they cover, or empty"),
    SdkFault("flutter", (9, 22, 0), "segments name no traces, so fewer backend errors are linked"),
)  # fmt: skip


def list_minimum_versions() -> str:
    """List the SDKs with the first versions that record well: `Android SDK 7.20.0, …`."""
    return ", ".join(
        f"{_NAMES[family]} {_write_version(version)}" for family, version in MINIMUM.items()
    )


def find_known_faults(
    facts: Mapping[str, Any], options: JsonObject | None
) -> tuple[KnownFault, ...]:
    """Find the faults of the SDK of a replay, those that concern privacy first.

    Args:
        facts: The facts of the replay: `sdk_name`, `sdk_version`, `os_version`.
        options: The SDK's replay settings, which name the native SDK under React Native and
            Flutter.
    """
    os_major = _read_version(facts.get("os_version"))
    found: list[KnownFault] = []
    for family, version in dict(_read_sdks(facts, options or {})).items():
        for fault in FAULTS:
            is_newer_os = fault.since_os is None or (
                os_major is not None and os_major[0] >= fault.since_os
            )
            if fault.family == family and version < fault.fixed_in and is_newer_os:
                found.append(KnownFault(_describe_fault(fault, version), fault.is_private))
    return tuple(sorted(found, key=lambda fault: not fault.is_private))


def _read_sdks(
    facts: Mapping[str, Any], options: JsonObject
) -> Iterator[tuple[SdkFamily, Version]]:
    named = (
        (facts.get("sdk_name"), facts.get("sdk_version")),
        (
            jsonish.text(options, "nativeSdkName", limit=200),
            jsonish.text(options, "nativeSdkVersion", limit=200),
        ),
    )
    for name, text in named:
        version = _read_version(text)
        for prefix, family in _FAMILIES:
            if version is not None and isinstance(name, str) and name.startswith(prefix):
                yield family, version
                break


def _read_version(text: object) -> Version | None:
    found = _VERSION.match(text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2] or 0), int(found[3] or 0)) if found else None


def _describe_fault(fault: SdkFault, version: Version) -> str:
    have, need = _write_version(version), _write_version(fault.fixed_in)
    return f"{_NAMES[fault.family]} {have}: {fault.text}. Fixed in {need}."


def _write_version(version: Version) -> str:
    return ".".join(map(str, version))
