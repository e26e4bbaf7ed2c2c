"""Places in lists by time as opaque text for the address."""

import base64
import binascii
import struct
from typing import Final

from app.core.errors import InvalidInput
from app.replays.list_queries import Place

_PLACE: Final = struct.Struct(">Q16s")
_LATEST_US: Final = 253_370_764_800_000_000
"""The year 9999."""


def write(place: Place) -> str:
    """Name a place in the list."""
    packed = _PLACE.pack(max(0, place.value_us), bytes.fromhex(place.item_id))
    return base64.urlsafe_b64encode(packed).decode("ascii")


def read(value: str) -> Place | None:
    """Read a place; nothing is the beginning.

    Raises:
        InvalidInput: It is none that `write` makes.
    """
    if not value:
        return None
    try:
        packed = base64.b64decode(value, altchars=b"-_", validate=True)
        value_us, item_id = _PLACE.unpack(packed)
    except (binascii.Error, struct.error, ValueError) as error:
        raise InvalidInput("the address names no place in the list") from error
    if value_us > _LATEST_US:
        raise InvalidInput("the address names no place in the list")
    return Place(value_us, item_id.hex())
