"""Writes the facts about the app, the device and the user of a replay as rows store them."""

from dataclasses import dataclass

from app.db.text import JsonText, json_text
from app.formats.replay.recording_summary import MaskSettings
from app.formats.replay.replay_event import ReplayFacts, User


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """The facts in one segment, as they are stored with its replay."""

    is_complete: bool
    """False for segments that were recovered after a crash, which have few facts."""
    sdk_name: str | None
    facts: JsonText
    user: JsonText | None
    """The user, or None if nothing is known about them."""


def write_user(user: User) -> dict[str, str]:
    """Return the known facts about the user of the recorded app, by name."""
    members = {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "ip_address": user.ip_address,
        "name": user.name,
    }
    return {name: value for name, value in members.items() if value}


def add_mask_settings(facts: JsonText, mask: MaskSettings) -> JsonText:
    """Return facts with what the SDK masks, as its settings in the same segment say."""
    members = [
        f'"{name}":"{"on" if is_on else "off"}"'
        for name, is_on in (("mask_text", mask.text), ("mask_images", mask.images))
        if is_on is not None
    ]
    if not members:
        return facts
    between = "," if len(facts) > len("{}") else ""
    return JsonText(f"{facts[:-1]}{between}{','.join(members)}}}")


def write_facts(facts: ReplayFacts) -> StoredFacts:
    """Write the facts in a segment, which its replay may take over."""
    members = {
        "platform": facts.platform,
        "release": facts.release,
        "environment": facts.environment,
        "dist": facts.dist,
        "sdk_name": facts.sdk_name,
        "sdk_version": facts.sdk_version,
        "device_name": facts.device_name,
        "device_brand": facts.device_brand,
        "device_model": facts.device_model,
        "device_family": facts.device_family,
        "os_name": facts.os_name,
        "os_version": facts.os_version,
        "app_name": facts.app_name,
        "app_id": facts.app_id,
        "app_version": facts.app_version,
        "app_build": facts.app_build,
        "tags": facts.tags,
    }
    user = write_user(facts.user)
    return StoredFacts(
        is_complete=facts.release is not None,
        sdk_name=facts.sdk_name,
        facts=json_text({name: value for name, value in members.items() if value}),
        user=json_text(user) if user else None,
    )
