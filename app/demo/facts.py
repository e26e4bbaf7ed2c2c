"""Who records: phone, app, person and SDK, as the Android SDK describes them in every payload."""

from dataclasses import dataclass
from typing import Final

from app.demo import wire
from app.demo.story import Person
from app.demo.take import Take, Visit
from app.formats.jsonish import JsonObject

SDK_NAME: Final = "sentry.java.android"
SDK_VERSION: Final = "8.53.0"
APP_ID: Final = "com.example.verdant"
APP_VERSION: Final = "5.2.0"
APP_BUILD: Final = "520"
APP_RELEASE: Final = f"{APP_ID}@{APP_VERSION}+{APP_BUILD}"
ENVIRONMENT: Final = "demo"

SDK: Final[JsonObject] = {
    "name": SDK_NAME,
    "version": SDK_VERSION,
    "packages": [
        {"name": f"maven:io.sentry:{name}", "version": SDK_VERSION}
        for name in ("sentry", "sentry-android-core", "sentry-android-replay")
    ],
    "integrations": ["ActivityLifecycle", "UserInteraction", "UncaughtExceptionHandler", "Replay"],
}
_OS: Final[JsonObject] = {
    "name": "Android",
    "version": "15",
    "build": "AP4A.250205.002",
    "kernel_version": "6.1.99-android14",
    "rooted": False,
}
_APP: Final[JsonObject] = {
    "app_identifier": APP_ID,
    "app_name": "Verdant",
    "app_version": APP_VERSION,
    "app_build": APP_BUILD,
    "permissions": {"INTERNET": "granted", "CAMERA": "not_granted"},
    "is_split_apks": False,
}
_DEVICE: Final[JsonObject] = {
    "name": "Pixel 8",
    "manufacturer": "Google",
    "brand": "google",
    "family": "Pixel",
    "model": "Pixel 8",
    "model_id": "AP4A.250205.002",
    "archs": ["arm64-v8a"],
    "charging": False,
    "online": True,
    "simulator": False,
    "memory_size": 7_900_000_000,
    "low_memory": False,
    "storage_size": 118_000_000_000,
    "screen_width_pixels": 1080,
    "screen_height_pixels": 2400,
    "screen_density": 2.625,
    "screen_dpi": 420,
    "timezone": "Europe/Lisbon",
    "locale": "en_GB",
    "processor_count": 9,
}


@dataclass(frozen=True, slots=True)
class Session:
    """What stays the same from launch to crash; times of the take count from `started_at_ms`."""

    replay_id: str
    session_id: str
    install_id: str
    sample_rand: str
    public_key: str
    person: Person
    started_at_ms: int
    take: Take

    def at(self, take_ms: int) -> int:
        """Turn a time of the take into milliseconds since 1970."""
        return self.started_at_ms + take_ms

    def seconds(self, take_ms: int) -> float:
        """Turn a time of the take into seconds since 1970."""
        return self.at(take_ms) / 1000


def trace_header(session: Session, visit: Visit) -> JsonObject:
    """Describe the running trace: what links every envelope, and the backend, to the replay."""
    return {
        "trace_id": visit.trace_id,
        "public_key": session.public_key,
        "release": APP_RELEASE,
        "environment": ENVIRONMENT,
        "transaction": visit.activity,
        "sample_rate": "1",
        "sample_rand": session.sample_rand,
        "sampled": "true",
        "replay_id": session.replay_id,
    }


def contexts(session: Session, take_ms: int) -> JsonObject:
    """Describe phone and app at a moment."""
    shot = session.take.shot_at(take_ms)
    visits = [visit for visit in session.take.visits if visit.started_ms <= take_ms]
    app = {
        **_APP,
        "app_start_time": wire.iso(session.at(-198)),
        "in_foreground": True,
        "view_names": [visit.activity for visit in visits[-1:]],
    }
    device = {
        **_DEVICE,
        "id": session.install_id,
        "battery_level": float(shot.battery_percent),
        "connection_type": shot.network,
        "orientation": "landscape" if shot.is_wide else "portrait",
        "boot_time": wire.iso(session.at(-93_600_000)),
        "free_memory": 2_300_000_000,
        "free_storage": 41_000_000_000,
    }
    return {"app": app, "device": device, "os": _OS}


def trace_context(visit: Visit, **more: object) -> JsonObject:
    """Describe the span that stands for a screen."""
    return {
        "trace_id": visit.trace_id,
        "span_id": visit.span_id,
        "op": "ui.load",
        "origin": "auto.ui.activity",
        **more,
        "data": {"thread.name": "main", "thread.id": "2"},
    }


def scope(session: Session) -> JsonObject:
    """Return what the SDK's scope adds to every payload."""
    person = session.person
    return {
        "sdk": SDK,
        "tags": {"flavor": "play", "plan": "plus", "isSideLoaded": "false"},
        "release": APP_RELEASE,
        "environment": ENVIRONMENT,
        "platform": "java",
        "user": {"id": person.user_id, "email": person.email, "username": person.name},
        "dist": APP_BUILD,
    }
