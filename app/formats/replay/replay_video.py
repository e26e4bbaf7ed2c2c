"""Splits the payload of a `replay_video` item: a MessagePack map of up to three byte strings.

    fixmap(1..3)  then per entry  str8 key, bin32 value
    keys: replay_event (JSON), replay_recording (JSON lines), replay_video (MP4)

Both native SDKs write exactly this, in any order of keys. Other legal encodings of the same map
are read too. Nested values under unknown keys are stepped over and never built.

Source: docs/protocol.md, section 4.1; the MessagePack specification.
"""

from typing import Final

import msgspec

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS

_MOST_ENTRIES: Final = 32
_MOST_STEPS: Final = 1_000
"""Most values that are stepped over under unknown keys."""

_NIL: Final = 0xC0
_FIXMAP: Final = range(0x80, 0x90)
_FIXARRAY: Final = range(0x90, 0xA0)
_FIXSTR: Final = range(0xA0, 0xC0)
_LOW_BITS: Final = {_FIXMAP: 0x0F, _FIXARRAY: 0x0F, _FIXSTR: 0x1F}
_MAP_LENGTH_BYTES: Final = {0xDE: 2, 0xDF: 4}
_ARRAY_LENGTH_BYTES: Final = {0xDC: 2, 0xDD: 4}
_BLOB_LENGTH_BYTES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Lengths of bin 8, 16, 32 and str 8, 16, 32."""
_EXT_LENGTH_BYTES: Final = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED_BYTES: Final = {
    marker: size_bytes
    for size_bytes, markers in {
        0: (0xC2, 0xC3),
        1: (0xCC, 0xD0),
        2: (0xCD, 0xD1, 0xD4),
        3: (0xD5,),
        4: (0xCA, 0xCE, 0xD2),
        5: (0xD6,),
        8: (0xCB, 0xCF, 0xD3),
        9: (0xD7,),
        17: (0xD8,),
    }.items()
    for marker in markers
}
"""Sizes of booleans, floats, integers, and ext of 1, 2, 4, 8, 16 bytes with their type byte."""


class ReplayVideoParts(msgspec.Struct, frozen=True, gc=False):
    """Views into the payload; None for a part that is missing, nil or empty.

    A recording or a video is missing in real traffic: the Android SDK deletes its files while the
    last segment waits to be sent.
    """

    event: memoryview
    recording: memoryview | None
    video: memoryview | None


def split_replay_video(payload: memoryview | bytes) -> ReplayVideoParts:
    """Find the three parts, without copying them.

    Raises:
        MalformedInput: It is not such a map, is cut, or has no `replay_event`.
        OversizedInput: It is over `LIMITS.replay_video_bytes`.
    """
    if len(payload) > LIMITS.replay_video_bytes:
        raise OversizedInput(
            f"replay_video has {len(payload)} bytes, {LIMITS.replay_video_bytes} are allowed"
        )
    parts = _read_map(_Cursor(memoryview(payload)))
    event = parts.get(b"replay_event")
    if event is None:
        raise MalformedInput("replay_video has no replay_event")
    return ReplayVideoParts(event, parts.get(b"replay_recording"), parts.get(b"replay_video"))


class _Cursor:
    """A position in the payload that only moves forward, and never past the end."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def take(self, count: int) -> memoryview:
        end = self._at + count
        if end > len(self._view):
            raise MalformedInput(
                f"replay_video: value at byte {self._at} claims {count} bytes, "
                f"{len(self._view) - self._at} are left"
            )
        taken = self._view[self._at : end]
        self._at = end
        return taken

    def take_byte(self) -> int:
        return self.take(1)[0]

    def take_count(self, size_bytes: int) -> int:
        return int.from_bytes(self.take(size_bytes), "big")


def _read_map(cursor: _Cursor) -> dict[bytes, memoryview]:
    """Read the non-empty byte strings of the outermost map; the last of a repeated key counts."""
    marker = cursor.take_byte()
    count = _read_length(cursor, marker, _FIXMAP, _MAP_LENGTH_BYTES)
    if count is None:
        raise MalformedInput(
            f"replay_video begins with byte 0x{marker:02x}, expected a MessagePack map"
        )
    if count > _MOST_ENTRIES:
        raise MalformedInput(
            f"replay_video claims {count} entries, at most {_MOST_ENTRIES} are expected"
        )
    parts: dict[bytes, memoryview] = {}
    steps_left = _MOST_STEPS
    for _ in range(count):
        key = _take_blob(cursor, cursor.take_byte())
        if key is None:
            raise MalformedInput("replay_video has a key that is not text")
        marker = cursor.take_byte()
        value = _take_blob(cursor, marker)
        if value is None:
            steps_left = _step_over(cursor, marker, steps_left)
        elif value:
            parts[bytes(key)] = value
    return parts


def _take_blob(cursor: _Cursor, marker: int) -> memoryview | None:
    """Take the bytes of a str or bin; take nothing and return None for other kinds."""
    count = _read_length(cursor, marker, _FIXSTR, _BLOB_LENGTH_BYTES)
    return None if count is None else cursor.take(count)


def _read_length(cursor: _Cursor, marker: int, fixed: range, sizes: dict[int, int]) -> int | None:
    """Return the length that a marker carries or is followed by, or None for other kinds."""
    if marker in fixed:
        return marker & _LOW_BITS[fixed]
    return cursor.take_count(sizes[marker]) if marker in sizes else None


def _step_over(cursor: _Cursor, marker: int, steps_left: int) -> int:
    """Step over one value of any kind, however nested, and return how many steps are left."""
    pending = _step(cursor, marker)
    while pending:
        if not steps_left:
            raise MalformedInput(
                f"replay_video has more than {_MOST_STEPS} values under unknown keys"
            )
        steps_left -= 1
        pending += _step(cursor, cursor.take_byte()) - 1
    return steps_left


def _step(cursor: _Cursor, marker: int) -> int:
    """Step over a marker and its own bytes, and return how many values belong to it."""
    members = _read_length(cursor, marker, _FIXARRAY, _ARRAY_LENGTH_BYTES)
    entries = _read_length(cursor, marker, _FIXMAP, _MAP_LENGTH_BYTES)
    if members is not None or entries is not None:
        return (members or 0) + 2 * (entries or 0)
    if _take_blob(cursor, marker) is not None:
        return 0
    if marker in _EXT_LENGTH_BYTES:
        cursor.take(cursor.take_count(_EXT_LENGTH_BYTES[marker]) + 1)
    elif marker in _FIXED_BYTES:
        cursor.take(_FIXED_BYTES[marker])
    elif _FIXMAP.start <= marker < _NIL or marker == 0xC1:  # noqa: PLR2004 - never used
        raise MalformedInput(
            f"replay_video holds byte 0x{marker:02x}, which MessagePack never uses"
        )
    return 0
