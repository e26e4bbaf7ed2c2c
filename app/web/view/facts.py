"""Facts of a replay in words: who, on what, by which app and SDK, and what was masked."""

from collections.abc import Mapping
from typing import Any, Final

from app.formats.jsonish import JsonObject
from app.playback.ending import Ending
from app.replays.model import Replay
from app.web.view import words
from app.web.view.breadcrumbs import data_rows
from app.web.view.replay import Fact, FactGroup

_GROUPS: Final = {
    "Device": {
        "Name": "device_name",
        "Brand": "device_brand",
        "Model": "device_model",
        "Family": "device_family",
        "System": "os_name",
        "System version": "os_version",
    },
    "App": {
        "Name": "app_name",
        "Identifier": "app_id",
        "Version": "app_version",
        "Build": "app_build",
        "Release": "release",
        "Dist": "dist",
        "Environment": "environment",
    },
    "SDK": {"Name": "sdk_name", "Version": "sdk_version", "Platform": "platform"},
}
_USER: Final = {
    "Name": "name",
    "E-mail": "email",
    "Username": "username",
    "Id": "id",
    "Address": "ip_address",
}
_TYPES: Final = {
    "session": "a sampled session, recorded from its start",
    "buffer": "kept from 30 s before an error",
}


def user_of(user: Mapping[str, str]) -> str | None:
    """Name the recorded app's user by what is known first: name, e-mail, username, id."""
    return next((user[key] for key in ("name", "email", "username", "id") if user.get(key)), None)


def device_of(facts: Mapping[str, Any]) -> str | None:
    """Name the device: `Google Pixel 9`; the brand stands once."""
    model = _text(facts, "device_model") or _text(facts, "device_name")
    brand = _text(facts, "device_brand")
    if model is None or brand is None:
        return model or brand or _text(facts, "device_family")
    return model if model.lower().startswith(brand.lower()) else f"{brand} {model}"


def system_of(facts: Mapping[str, Any]) -> str | None:
    """Name the operating system with its version: `Android 16`."""
    return _joined(_text(facts, "os_name"), _text(facts, "os_version"))


def app_of(facts: Mapping[str, Any]) -> str | None:
    """Name the app's version: `4.2.1 (871)`, or its release."""
    version, build = _text(facts, "app_version"), _text(facts, "app_build")
    if version is None:
        return _text(facts, "release")
    return f"{version} ({build})" if build else version


def chips(facts: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return the facts on the line above a replay."""
    named = (("Device", device_of(facts)), ("System", system_of(facts)), ("App", app_of(facts)))
    return tuple(Fact(name, value) for name, value in named if value)


def groups(
    replay: Replay, *, options: JsonObject | None, ending: Ending | None
) -> tuple[FactGroup, ...]:
    """Return everything known of a replay, under headings; empty ones are left out."""
    tags = replay.facts.get("tags")
    found = [
        _recording(replay, ending),
        FactGroup("User", _named(_USER, replay.user)),
        *(FactGroup(title, _named(names, replay.facts)) for title, names in _GROUPS.items()),
        _masking(options),
        FactGroup("Tags", _all(tags if isinstance(tags, dict) else {})),
    ]
    return tuple(group for group in found if group.facts)


def _recording(replay: Replay, ending: Ending | None) -> FactGroup:
    facts = [Fact("Replay", replay.key.replay_id)]
    kind = _TYPES.get(replay.replay_type or "")
    if kind:
        facts.append(Fact("Type", kind))
    facts += [
        Fact("Segments", f"{replay.segments}, {replay.video_segments} with video"),
        Fact("Frames", f"{replay.frames:,}"),
        Fact("First received", words.exact(replay.first_received_at)),
        Fact("Last received", words.exact(replay.last_received_at)),
    ]
    if ending is not None:
        facts.append(Fact("Ended", f"{ending.text}. {ending.because}"))
    return FactGroup("Recording", tuple(facts))


def _masking(options: JsonObject | None) -> FactGroup:
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
    facts = tuple(Fact(row.name, row.value) for row in data_rows(options))
    return FactGroup("Masking", facts, warning)


def _named(names: Mapping[str, str], values: Mapping[str, Any]) -> tuple[Fact, ...]:
    pairs = ((name, _text(values, key)) for name, key in names.items())
    return tuple(Fact(name, value) for name, value in pairs if value)


def _all(values: Mapping[str, Any]) -> tuple[Fact, ...]:
    return tuple(Fact(str(name), str(value)) for name, value in sorted(values.items()))


def _text(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) and value else None


def _joined(*parts: str | None) -> str | None:
    return " ".join(part for part in parts if part) or None
