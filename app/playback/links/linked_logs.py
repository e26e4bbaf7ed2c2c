"""The log records of a replay, each with its place on the clock of the replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.core.replay_window import ReplayWindow
from app.formats.stored import packed_json
from app.playback.links import placement
from app.traces import logs
from app.traces.logs import LogPlace
from app.traces.model import StoredLog


@dataclass(frozen=True, slots=True)
class PlacedLog:
    """A log record of a replay, and where it lies on the replay's clock."""

    record: StoredLog
    attributes: Mapping[str, object]
    platform: str | None
    offset: timedelta
    """From the start of the replay; may lie outside of it."""


@dataclass(frozen=True, slots=True)
class PlacedLogs:
    """The log records of a replay, or a part of them if there are too many to be read at once."""

    logs: tuple[PlacedLog, ...]
    """In the order of their time."""
    first: int
    """The number of the first record of this part, counted from 1."""
    next_place: LogPlace | None
    """The place after which the next part begins; None if this is the last."""


@dataclass(frozen=True, slots=True)
class LogCount:
    """How many log records a replay has."""

    number: int
    is_at_least: bool = False
    """Whether counting stopped there, so that there may be more."""


async def read_logs(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_id: ProjectId,
    project_ids: Sequence[ProjectId],
    *,
    after: LogPlace = logs.BEFORE_ALL,
) -> PlacedLogs:
    """Read the log records of one replay in the order of their time.

    Args:
        connection: Where to read.
        window: The reach of the replay.
        project_id: Project of the replay.
        project_ids: The projects that the reader may see.
        after: The place after which the part begins.
    """
    part = await logs.read_logs_of_replay(connection, window, project_ids, after=after)
    found = part.logs
    attributes = [_read_attributes(one.attributes) for one in found]
    platforms = [_find_platform(one) for one in attributes]
    moments = [
        placement.make_log_moment(one, platform)
        for one, platform in zip(found, platforms, strict=True)
    ]
    offsets = await placement.place_in_replay(connection, window, project_id, moments, project_ids)
    placed = zip(found, attributes, platforms, offsets, strict=True)
    return PlacedLogs(tuple(PlacedLog(*one) for one in placed), part.first, part.next_place)


async def count_logs(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    found: PlacedLogs,
) -> LogCount:
    """Count the log records of one replay.

    Args:
        connection: Where to read.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        found: Those that are read already; if they are all, nothing is asked.
    """
    read = found.first - 1 + len(found.logs)
    if found.first == 1 and found.next_place is None:
        return LogCount(read)
    counted = await logs.count_logs(connection, window, project_ids)
    return LogCount(max(counted, read), is_at_least=counted >= logs.MOST_COUNTED)


def _read_attributes(data: bytes) -> Mapping[str, object]:
    """Read what came with a record; one that cannot be read has nothing."""
    try:
        value = packed_json.unpack_json(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _find_platform(attributes: Mapping[str, object]) -> str | None:
    """Take the platform out of the SDK's name: `sentry.python` is one of a backend."""
    name = attributes.get("sentry.sdk.name")
    return name.removeprefix("sentry.").partition(".")[0] if isinstance(name, str) else None
