"""Typed values of the readers as rows keep them."""

from dataclasses import dataclass

from app.db.text import JsonText, json_text
from app.formats.replay.replay_event import ReplayFacts, User


@dataclass(frozen=True, slots=True)
class Facts:
    """What a segment tells of its app, its device and its user, written out for its replay."""

    is_complete: bool
    """False for segments recovered after a crash, whose facts are poor."""
    sdk_name: str | None
    facts: JsonText
    user: JsonText | None
    """None when nothing is known."""


def of_user(user: User) -> dict[str, str]:
    """Return what is known of the recorded app's user; empty when nothing is."""
    named = {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "ip_address": user.ip_address,
        "name": user.name,
    }
    return {name: value for name, value in named.items() if value}


def of_segment(about: ReplayFacts) -> Facts:
    """Write out the facts of a segment that its replay may take over."""
    named = {
        "platform": about.platform,
        "release": about.release,
        "environment": about.environment,
        "dist": about.dist,
        "sdk_name": about.sdk_name,
        "sdk_version": about.sdk_version,
        "device_name": about.device_name,
        "device_brand": about.device_brand,
        "device_model": about.device_model,
        "device_family": about.device_family,
        "os_name": about.os_name,
        "os_version": about.os_version,
        "app_name": about.app_name,
        "app_id": about.app_id,
        "app_version": about.app_version,
        "app_build": about.app_build,
        "tags": about.tags,
    }
    user = of_user(about.user)
    return Facts(
        is_complete=about.release is not None,
        sdk_name=about.sdk_name,
        facts=json_text({name: value for name, value in named.items() if value}),
        user=json_text(user) if user else None,
    )
