"""Names for a replay's user, device, system and app, made of the facts that its row holds."""

from collections.abc import Mapping
from typing import Any


def name_user(user: Mapping[str, str]) -> str | None:
    """Name the recorded app's user by what is known first: name, e-mail, username, id."""
    return next((user[key] for key in ("name", "email", "username", "id") if user.get(key)), None)


def name_device(facts: Mapping[str, Any]) -> str | None:
    """Name the device: `Google Pixel 9`; the brand stands once."""
    model = _read_text(facts, "device_model") or _read_text(facts, "device_name")
    brand = _read_text(facts, "device_brand")
    if model is None or brand is None:
        return model or brand or _read_text(facts, "device_family")
    return model if model.lower().startswith(brand.lower()) else f"{brand} {model}"


def name_system(facts: Mapping[str, Any]) -> str | None:
    """Name the operating system with its version: `Android 16`."""
    return _joined(_read_text(facts, "os_name"), _read_text(facts, "os_version"))


def name_app(facts: Mapping[str, Any]) -> str | None:
    """Name the app's version: `4.2.1 (871)`, or its release."""
    version, build = _read_text(facts, "app_version"), _read_text(facts, "app_build")
    if version is None:
        return _read_text(facts, "release")
    return f"{version} ({build})" if build else version


def _read_text(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) and value else None


def _joined(*parts: str | None) -> str | None:
    return " ".join(part for part in parts if part) or None
