"""Places in the long lists of one replay as opaque text for the address: where a part begins."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from app.core.errors import Malformed
from app.core.ids import EventId, ProjectId
from app.errors.queries import EventPlace

_EVENT: Final = struct.Struct(">BqQ16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST_US: Final = 253_370_764_800_000_000
"""The year 9999."""
_BIGGEST: Final = 2**63 - 1


def write_event_place(place: EventPlace) -> str:
    """Name the place of an event among those of its replay."""
    at_us = _microseconds(place.at)
    return _encode(_EVENT.pack(place.rank, at_us, place.project_id, bytes.fromhex(place.event_id)))


def read_event_place(value: str) -> EventPlace | None:
    """Read the place of an event; nothing is the beginning.

    Raises:
        Malformed: It is no place that `write_event_place` writes.
    """
    if not value:
        return None
    rank, at_us, project_id, event_id = _decode(_EVENT, value)
    if project_id > _BIGGEST:
        raise Malformed("the address names no place in the list")
    return EventPlace(rank, _moment(at_us), ProjectId(project_id), EventId(event_id.hex()))


def _encode(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def _decode(layout: struct.Struct, value: str) -> tuple[int, int, int, bytes]:
    padding = "=" * (-len(value) % 4)
    try:
        packed = base64.b64decode(value + padding, altchars=b"-_", validate=True)
        first, second, third, item_id = layout.unpack(packed)
    except (binascii.Error, struct.error, ValueError) as error:
        raise Malformed("the address names no place in the list") from error
    return first, second, third, item_id


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _moment(at_us: int) -> datetime:
    if not 0 <= at_us <= _LATEST_US:
        raise Malformed("the address names no place in the list")
    return _EPOCH + timedelta(microseconds=at_us)
