"""Typed values of the readers as the mappings that rows keep."""

from typing import Any

from app.formats.replay_event import ReplayEvent, User


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


def of_segment(event: ReplayEvent) -> dict[str, Any]:
    """Return the facts of a segment that its replay may take over."""
    named = {
        "platform": event.platform,
        "release": event.release,
        "environment": event.environment,
        "dist": event.dist,
        "sdk_name": event.sdk_name,
        "sdk_version": event.sdk_version,
        "device_name": event.device_name,
        "device_brand": event.device_brand,
        "device_model": event.device_model,
        "device_family": event.device_family,
        "os_name": event.os_name,
        "os_version": event.os_version,
        "app_name": event.app_name,
        "app_id": event.app_id,
        "app_version": event.app_version,
        "app_build": event.app_build,
        "tags": event.tags,
    }
    return {name: value for name, value in named.items() if value}
