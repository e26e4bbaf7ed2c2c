"""Facts of a replay in words: who, on what, by which app and SDK, and what was masked."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.core import units
from app.formats.jsonish import JsonObject
from app.playback import replay_search, sdk_faults
from app.playback.ending import ReplayEnding
from app.replays import naming
from app.replays.model import Replay
from app.replays.search import query_conditions
from app.web.urls.list_urls import filtered_by
from app.web.words.replay.endings import ending_reason, ending_text

_GROUPS: Final = {
    "Device": {
        "Name": "device.name",
        "Brand": "device.brand",
        "Model": "device.model",
        "Family": "device.family",
        "System": "os.name",
        "System version": "os.version",
    },
    "App": {
        "Name": "app.name",
        "Identifier": "app.id",
        "Version": "app.version",
        "Build": "app.build",
        "Release": "release",
        "Dist": "dist",
        "Environment": "environment",
    },
    "SDK": {"Name": "sdk.name", "Version": "sdk.version", "Platform": "platform"},
}
"""Names on the page, and the keys by which the list finds the same value."""
_MASK_KEYS: Final = {"maskAllText": "mask.text", "maskAllImages": "mask.images"}
_USER: Final = {
    "Name": "user.name",
    "E-mail": "user.email",
    "Username": "user.username",
    "Id": "user.id",
    "Address": "user.ip",
}
_TYPES: Final = {
    "session": "a sampled session, recorded from its start",
    "buffer": "kept from 30 s before an error",
}


_LATE: Final = timedelta(minutes=10)
_MS: Final = timedelta(milliseconds=1)
_PLAIN_TAG: Final = re.compile(r"[A-Za-z_][\w.\-]*")
_BRACKETED_TAG: Final = re.compile(r"[^\[\]\s:\"]+")


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value, a moment perhaps; `href` leads to the list filtered by it."""

    name: str
    value: str | datetime
    href: str | None = None
    note: str | None = None
    """A sentence beside it: how it was found out."""


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts under one heading: Device, App, SDK, Masking, Tags."""

    title: str
    facts: tuple[Fact, ...]
    warning: str | None = None
    """A sentence that warns the reader: `Text is not masked in this replay.`"""
    notes: tuple[str, ...] = ()
    """Known faults of the SDK."""


def list_chips(facts: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return the facts on the line above a replay, each leading to the replays that share it."""
    named = (
        ("Device", naming.name_device(facts), ("device.model", "device.name", "device.brand")),
        ("System", naming.name_system(facts), ("os.name",)),
        ("App", naming.name_app(facts), ("release", "app.version")),
    )
    return tuple(Fact(name, value, _found_by(facts, keys)) for name, value, keys in named if value)


def is_late(replay: Replay) -> bool:
    """Tell a replay that a phone sends long after it was recorded from one of this moment."""
    return replay.last_received_at - replay.ended_at > _LATE


def describe_ending(ending: ReplayEnding) -> Fact:
    """Tell how a replay ended, and how that was inferred."""
    return Fact(
        "Ended", ending_text(ending), filtered_by("end", ending.value), ending_reason(ending)
    )


def list_fact_groups(
    replay: Replay, *, options: JsonObject | None, ending: ReplayEnding | None
) -> tuple[FactGroup, ...]:
    """Return everything known of a replay, under headings; empty ones are left out."""
    tags = replay.facts.get("tags")
    user = {key: replay.user.get(name) for key, name in query_conditions.USER_KEYS.items()}
    known = {key: replay.facts.get(name) for key, name in query_conditions.FACT_KEYS.items()}
    faults = sdk_faults.find_known_faults(replay.facts, options)
    titled = {title: _named(names, known) for title, names in _GROUPS.items()}
    found = [
        _recording(replay, ending),
        FactGroup("User", _named(_USER, user)),
        FactGroup("Device", titled["Device"]),
        FactGroup("App", titled["App"]),
        FactGroup("SDK", titled["SDK"], notes=tuple(fault.text for fault in faults)),
        _masking(options, [fault.text for fault in faults if fault.is_private]),
        FactGroup("Tags", _tags(tags if isinstance(tags, dict) else {})),
    ]
    return tuple(group for group in found if group.facts)


def _recording(replay: Replay, ending: ReplayEnding | None) -> FactGroup:
    facts = [Fact("Replay", replay.key.replay_id)]
    kind = _TYPES.get(replay.replay_type or "")
    if kind:
        facts.append(Fact("Type", kind, filtered_by("replay_type", replay.replay_type or "")))
    facts += [
        Fact("Segments", f"{replay.segments}, {replay.video_segments} with video"),
        Fact("Frames", f"{replay.frames:,}"),
        Fact("Recorded", replay.recorded_at),
        Fact("First received", replay.first_received_at, note=_lateness(replay)),
        Fact("Last received", replay.last_received_at),
    ]
    if ending is not None:
        facts.append(describe_ending(ending))
    return FactGroup("Recording", tuple(facts))


def _lateness(replay: Replay) -> str | None:
    """Tell how long after its start a replay began to come, when a phone had kept it back."""
    late = replay.first_received_at - replay.recorded_at
    if late < _LATE:
        return None
    return (
        f"{units.format_duration(late // _MS)} later: the phone was offline, or its clock is wrong."
    )


def _masking(options: JsonObject | None, doubts: Sequence[str]) -> FactGroup:
    """Show the SDK's replay settings; text or images in the open are worth a warning."""
    if not options:
        return FactGroup("Masking", ())
    open_parts = [
        what
        for key, what in (("maskAllText", "Text"), ("maskAllImages", "Images"))
        if options.get(key) is False
    ]
    is_one = open_parts == ["Text"]
    warning = (
        f"{' and '.join(open_parts).capitalize()} {'is' if is_one else 'are'} not masked by default"
        " in this replay."
        if open_parts
        else None
    )
    named = sorted(options.items(), key=lambda pair: ("mask" not in pair[0].lower(), pair[0]))
    facts = tuple(Fact(name, _setting(value), _mask_href(name, value)) for name, value in named)
    return FactGroup("Masking", facts, warning, notes=tuple(doubts))


def _mask_href(name: str, value: object) -> str | None:
    """Return the address of the replays with the same mask of texts or images."""
    key = _MASK_KEYS.get(name)
    if key is None or not isinstance(value, bool):
        return None
    return filtered_by(key, "on" if value else "off")


def _setting(value: object) -> str:
    """Write one setting; a list stands in one line."""
    if isinstance(value, list):
        return ", ".join(_setting(item) for item in value) or "none"
    return value if isinstance(value, str) else json.dumps(value)


def _named(names: Mapping[str, str], values: Mapping[str, Any]) -> tuple[Fact, ...]:
    pairs = ((name, key, _text(values, key)) for name, key in names.items())
    return tuple(Fact(name, value, filtered_by(key, value)) for name, key, value in pairs if value)


def _tags(values: Mapping[str, Any]) -> tuple[Fact, ...]:
    return tuple(
        Fact(str(name), str(value), _tag_href(str(name), str(value)))
        for name, value in sorted(values.items())
    )


def _tag_href(name: str, value: str) -> str | None:
    """Return the list of replays with a tag; None where the query cannot say its name."""
    if (
        _PLAIN_TAG.fullmatch(name)
        and name not in query_conditions.COLUMN_KEYS
        and name not in replay_search.LATE_KEYS
    ):
        return filtered_by(name, value)
    # One that is named like a key stands in brackets.
    return filtered_by(f"tags[{name}]", value) if _BRACKETED_TAG.fullmatch(name) else None


def _found_by(facts: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """Return the list of replays that share the first of some facts that is known."""
    for key in keys:
        value = _text(facts, query_conditions.FACT_KEYS[key])
        if value:
            return filtered_by(key, value)
    return None


def _text(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) and value else None
