"""What a player begins with: the index of a replay and the group of pictures that is due first.

One answer for both: the first picture needs one round trip, or none when the page brings it.
"""

import struct
from dataclasses import dataclass
from typing import Final

from app.core import log
from app.core.errors import NotFound
from app.playback.video import stream
from app.playback.video.index_cache import PlayableReplay
from app.storage.port import ObjectStore

_LENGTH: Final = struct.Struct(">I")
_log: Final = log.get_logger("playback.start")


@dataclass(frozen=True, slots=True)
class PlaybackStart:
    """The bytes that a player reads, and which GOP of which index they hold.

    `body`: the length of the index in 4 bytes, big-endian; the index; the record of the GOP.
    """

    version: str
    gop: int
    body: bytes


async def read_start(store: ObjectStore, playable: PlayableReplay, at_ms: int) -> PlaybackStart:
    """Read what shows the picture due at a time.

    A vanished object leaves the record empty, and the player says what is missing.

    Raises:
        ServiceUnavailable: Storage is down.
    """
    built, encoded = playable.newest, playable.encoded
    number = built.gop_at(at_ms)
    record = b""
    if built.gops:
        gop = built.gops[number]
        span = (gop.offset, gop.offset + gop.size_bytes)
        try:
            record = b"".join([part async for part in stream.read_stream(store, built, *span)])
        except NotFound:
            _log.warning("playback_object_missing", object_key=gop.object_key)
    return PlaybackStart(built.version, number, _LENGTH.pack(len(encoded)) + encoded + record)
