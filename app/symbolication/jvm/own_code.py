"""Decide which frames belong to the app, after their classes have got their names back."""

from typing import Final

from app.formats import jsonish
from app.formats.jsonish import JsonObject

_FOREIGN: Final = (
    "java.", "javax.", "jdk.", "sun.", "kotlin.", "kotlinx.", "android.", "androidx.",
    "dalvik.", "libcore.", "com.android.", "com.google.android.",
)  # fmt: skip
_VARIANTS: Final = frozenset(
    {"debug", "dev", "development", "staging", "qa", "uat", "test", "internal", "alpha", "beta"}
    | {"nightly", "preview", "demo", "free", "paid", "prod", "production", "release"}
)
"""Endings that a build gives the id of an app and not its packages, by `applicationIdSuffix`."""
_NAME_CHARS: Final = 200


def read_app_packages(event: JsonObject) -> tuple[str, ...]:
    """Return the packages of the app that an event names: in its release, and in its contexts.

    Of `com.acme.shop.staging`, `com.acme.shop` is one as well.
    """
    release = jsonish.text(event, "release", limit=_NAME_CHARS) or ""
    app = jsonish.mapping(jsonish.mapping(event, "contexts"), "app")
    identifier = jsonish.text(app, "app_identifier", limit=_NAME_CHARS) or ""
    packages = (release.partition("@")[0] if "@" in release else "", identifier)
    without_variant = [_remove_variant(package) for package in packages]
    # A name without a dot would be the beginning of far too many classes.
    named = [package for package in (*packages, *without_variant) if "." in package]
    return tuple(dict.fromkeys(named))


def _remove_variant(package: str) -> str:
    base, _, ending = package.rpartition(".")
    return base if ending in _VARIANTS else ""


def is_foreign(class_name: str) -> bool:
    """Tell whether a class belongs to Java, Kotlin or Android."""
    return class_name.startswith(_FOREIGN)


def is_own_code(class_name: str, packages: tuple[str, ...]) -> bool | None:
    """Tell whether a clear class belongs to the app; None if its name does not tell."""
    for package in packages:
        if class_name == package or class_name.startswith((f"{package}.", f"{package}$")):
            return True
    return False if is_foreign(class_name) else None
