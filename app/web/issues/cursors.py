"""Places in the list of issues as opaque text for the address."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from app.core.errors import InvalidInput
from app.core.ids import IssueId, ProjectId
from app.issues.queries import IssuePlace

_PLACE: Final = struct.Struct(">cqQ16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME: Final = b"t"
_COUNT: Final = b"n"
_LATEST_US: Final = 253_370_764_800_000_000
"""The year 9999."""
_BIGGEST: Final = 2**63 - 1


def write(place: IssuePlace) -> str:
    """Name a place in the list."""
    value = place.value
    kind, number = (
        (_COUNT, value)
        if isinstance(value, int)
        else (_TIME, (value - _EPOCH) // timedelta(microseconds=1))
    )
    packed = _PLACE.pack(kind, number, place.project_id, bytes.fromhex(place.issue_id))
    return base64.urlsafe_b64encode(packed).decode("ascii")


def read(value: str, *, is_backward: bool, by_time: bool) -> IssuePlace:
    """Read a place.

    Args:
        value: From the address.
        is_backward: Whether the page before it is wanted.
        by_time: Whether the list is sorted by a time, or by a count.

    Raises:
        InvalidInput: It is none that `write` makes, or of a list sorted otherwise.
    """
    try:
        packed = base64.b64decode(value, altchars=b"-_", validate=True)
        kind, number, project_id, issue_id = _PLACE.unpack(packed)
    except (binascii.Error, struct.error, ValueError) as error:
        raise InvalidInput("the address names no place in the list") from error
    if kind != (_TIME if by_time else _COUNT) or project_id > _BIGGEST:
        raise InvalidInput("the address names no place in this list")
    if by_time and not 0 <= number <= _LATEST_US:
        raise InvalidInput("the address names no place in the list")
    return IssuePlace(
        _EPOCH + timedelta(microseconds=number) if by_time else number,
        ProjectId(project_id),
        IssueId(issue_id.hex()),
        is_backward,
    )
