"""Places in the list of replays as opaque text for the address."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from app.core.errors import Malformed
from app.core.ids import ReplayId
from app.replays.model import Replay
from app.replays.queries import Cursor

_PLACE: Final = struct.Struct(">Q16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_US: Final = 253_370_764_800_000_000
"""The year 9999."""


def write(replay: Replay) -> str:
    """Name the place of a replay in the list."""
    since = (replay.first_received_at - _EPOCH) // timedelta(microseconds=1)
    place = _PLACE.pack(since, bytes.fromhex(replay.key.replay_id))
    return base64.urlsafe_b64encode(place).decode("ascii")


def read(value: str, *, is_backward: bool) -> Cursor:
    """Read a place.

    Raises:
        Malformed: It is none that `write` makes.
    """
    try:
        place = base64.b64decode(value, altchars=b"-_", validate=True)
        since, replay_id = _PLACE.unpack(place)
    except (binascii.Error, struct.error, ValueError) as error:
        raise Malformed("the address names no place in the list") from error
    if since > _LATEST_US:
        raise Malformed("the address names no place in the list")
    at = _EPOCH + timedelta(microseconds=since)
    return Cursor(at, ReplayId(replay_id.hex()), is_backward)
