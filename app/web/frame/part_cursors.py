"""Places in the long lists of one replay as opaque text for the address: where a part begins."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from app.core.errors import InvalidInput
from app.core.ids import EventId, ProjectId
from app.issues import replay_events as errors
from app.issues.replay_events import EventPlace
from app.traces import logs, queries
from app.traces.logs import LogPlace
from app.traces.queries import BlockPlace

_EVENT: Final = struct.Struct(">HqQ16s")
_LOG: Final = struct.Struct(">IqQ16s")
_BLOCK: Final = struct.Struct(">HqQ16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST_US: Final = 253_370_764_800_000_000
"""The year 9999."""
_BIGGEST: Final = 2**63 - 1


def write_event_place(place: EventPlace) -> str:
    """Name the place of an event among those of its replay."""
    at_us = _microseconds(place.at)
    return _encode(_EVENT.pack(place.rank, at_us, place.project_id, bytes.fromhex(place.event_id)))


def read_event_place(value: str) -> EventPlace:
    """Read the place of an event; nothing is the beginning.

    Raises:
        InvalidInput: It is no place that `write_event_place` writes.
    """
    if not value:
        return errors.BEFORE_ALL
    rank, at, project_id, event_id = _decode(_EVENT, value)
    return EventPlace(rank, at, project_id, EventId(event_id))


def write_log_place(place: LogPlace) -> str:
    """Name the place of a log record among those of its replay."""
    at_us = _microseconds(place.at)
    packed = _LOG.pack(place.number, at_us, place.project_id, bytes.fromhex(place.log_id))
    return _encode(packed)


def read_log_place(value: str) -> LogPlace:
    """Read the place of a log record; nothing is the beginning.

    Raises:
        InvalidInput: It is no place that `write_log_place` writes.
    """
    return LogPlace(*_decode(_LOG, value)) if value else logs.BEFORE_ALL


def write_block_place(place: BlockPlace) -> str:
    """Name the place of a block of spans among those of its replay or trace."""
    at_us = _microseconds(place.at)
    return _encode(_BLOCK.pack(0, at_us, place.project_id, bytes.fromhex(place.block_id)))


def read_block_place(value: str) -> BlockPlace:
    """Read the place of a block of spans; nothing is the beginning.

    Raises:
        InvalidInput: It is no place that `write_block_place` writes.
    """
    if not value:
        return queries.BEFORE_ALL
    _, at, project_id, block_id = _decode(_BLOCK, value)
    return BlockPlace(at, project_id, block_id)


def _encode(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def _decode(layout: struct.Struct, value: str) -> tuple[int, datetime, ProjectId, str]:
    padding = "=" * (-len(value) % 4)
    try:
        packed = base64.b64decode(value + padding, altchars=b"-_", validate=True)
        number, at_us, project_id, item_id = layout.unpack(packed)
    except (binascii.Error, struct.error, ValueError) as error:
        raise InvalidInput("the address names no place in the list") from error
    if not 0 <= at_us <= _LATEST_US or project_id > _BIGGEST:
        raise InvalidInput("the address names no place in the list")
    at = _EPOCH + timedelta(microseconds=at_us)
    return number, at, ProjectId(project_id), item_id.hex()


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
