"""Opens recorded requests (`samples.py`) down to their items, and reads what is expected of them.

for request in recorded.requests("android-crash-a"):
recorded.envelope_of(request).items
recorded.video_of(request)            the MP4 of its segment
recorded.conclusions("android-crash-a")   replays, errors, transactions of the family
"""

import json
from fnmatch import fnmatch
from functools import cache
from typing import Any

from app.core.limits import LIMITS
from app.formats.replay import replay_video
from app.formats.wire import encoding, envelope, store_body
from tests.support.recorded import samples


def requests(family: str, pattern: str = "*") -> list[samples.Request]:
    """Return the requests of a family whose name after the slash matches, in order."""
    of_family = samples.requests(family)
    return [request for request in of_family if fnmatch(request.name.partition("/")[2], pattern)]


def envelope_of(request: samples.Request) -> envelope.Envelope:
    """Open the envelope; a body of the old store endpoint is wrapped into one."""
    declared = request.header("content-encoding")
    body = encoding.inflate(request.body, declared, limit_bytes=LIMITS.inflated_bytes)
    is_store = "/store" in request.path
    return store_body.wrap_store(bytes(body)) if is_store else envelope.split_envelope(body)


def video_of(request: samples.Request) -> bytes | None:
    """Return the MP4 of the first `replay_video` item, None if it has none."""
    for item in envelope_of(request).items:
        if item.type == "replay_video":
            video = replay_video.split_replay_video(item.payload).video
            return None if video is None else bytes(video)
    return None


@cache
def conclusions(family: str) -> dict[str, Any]:
    """Return what a family amounts to."""
    family_file = json.loads((samples.ROOT / family / "family.json").read_bytes())
    expected: dict[str, Any] = family_file["expect"]
    return expected


def replay_events_of(request: samples.Request) -> list[bytes]:
    """Return the replay events of a mobile segment's request; empty for other requests."""
    return [bytes(parts.event) for parts in _segments_of(request)]


def recordings_of(request: samples.Request) -> list[bytes]:
    """Return the recordings of a mobile segment's request; empty for other requests."""
    return [
        bytes(parts.recording) for parts in _segments_of(request) if parts.recording is not None
    ]


def _segments_of(request: samples.Request) -> list[replay_video.ReplayVideoParts]:
    items = envelope_of(request).items
    return [
        replay_video.split_replay_video(item.payload)
        for item in items
        if item.type == "replay_video"
    ]
