"""Writes the place where a part of a long list begins as text for addresses, and reads it."""

from datetime import datetime
from typing import Final, cast

from app.core.errors import UnknownPlace
from app.core.ids import EventId, ProjectId
from app.issues.events import replay_events as errors
from app.issues.events.replay_events import EventPlace
from app.traces import logs, parts
from app.traces.logs import LogPlace
from app.traces.parts import BlockPlace
from app.web.frame.cursors import read_cursor, write_cursor

_HIGHEST: Final = 2**31 - 1
"""Highest rank of an event, and highest number of a log record."""


def write_event_place(place: EventPlace) -> str:
    """Write the place of an event among those of its replay or trace."""
    return write_cursor((place.rank, place.at, place.project_id, place.event_id))


def read_event_place(text: str) -> EventPlace:
    """Read the place of an event; empty text stands for the beginning.

    Raises:
        UnknownPlace: The text is not one that `write_event_place` writes.
    """
    cursor = read_cursor(text, (int, datetime, int, str))
    if cursor is None:
        return errors.BEFORE_ALL
    rank, at, project_id, event_id = cast("tuple[int, datetime, ProjectId, EventId]", cursor)
    return EventPlace(_check_number(rank, text), at, project_id, event_id)


def write_log_place(place: LogPlace) -> str:
    """Write the place of a log record among those of its replay."""
    return write_cursor((place.number, place.at, place.project_id, place.log_id))


def read_log_place(text: str) -> LogPlace:
    """Read the place of a log record; empty text stands for the beginning.

    Raises:
        UnknownPlace: The text is not one that `write_log_place` writes.
    """
    cursor = read_cursor(text, (int, datetime, int, str))
    if cursor is None:
        return logs.BEFORE_ALL
    number, at, project_id, log_id = cast("tuple[int, datetime, ProjectId, str]", cursor)
    return LogPlace(_check_number(number, text), at, project_id, log_id)


def write_block_place(place: BlockPlace) -> str:
    """Write the place of a block of spans among those of its replay or trace."""
    return write_cursor((place.at, place.project_id, place.block_id))


def read_block_place(text: str) -> BlockPlace:
    """Read the place of a block of spans; empty text stands for the beginning.

    Raises:
        UnknownPlace: The text is not one that `write_block_place` writes.
    """
    cursor = read_cursor(text, (datetime, int, str))
    if cursor is None:
        return parts.BEFORE_ALL
    at, project_id, block_id = cast("tuple[datetime, ProjectId, str]", cursor)
    return BlockPlace(at, project_id, block_id)


def _check_number(number: int, text: str) -> int:
    """Return a number that Postgres can compare with those of rows.

    Raises:
        UnknownPlace: No row has such a number.
    """
    if not 0 <= number <= _HIGHEST:
        raise UnknownPlace(text)
    return number
