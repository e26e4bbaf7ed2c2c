"""Reads what a player begins with: the index of a replay, and the group of pictures due first.

One answer has both, so the first picture needs one round trip, or none if the page brings it.
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
    """The bytes that a player begins with, and which GOP of which index they hold.

    `body` is the length of the index in 4 bytes, big-endian; the index; the record of the GOP.
    """

    version: str
    gop: int
    body: bytes


async def read_start(store: ObjectStore, playable: PlayableReplay, at_ms: int) -> PlaybackStart:
    """Read the index of a replay, and the GOP with the picture due at a time.

    If its object has vanished, the record is empty, and the player says what is missing.

    Raises:
        ServiceUnavailable: Storage is down.
    """
    index, encoded = playable.newest, playable.encoded
    number = index.gop_at(at_ms)
    record = b""
    if index.gops:
        gop = index.gops[number]
        span = (gop.offset, gop.offset + gop.size_bytes)
        try:
            record = b"".join([part async for part in stream.read_stream(store, index, *span)])
        except NotFound:
            _log.warning("playback_object_missing", object_key=gop.object_key)
    return PlaybackStart(index.version, number, _LENGTH.pack(len(encoded)) + encoded + record)
