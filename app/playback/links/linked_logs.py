"""The log records of a replay, each with its place on the clock of the replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.core.replay.replay_window import ReplayWindow
from app.formats import bodies
from app.formats.stored import packed_json
from app.playback.links import placement
from app.traces import logs
from app.traces.logs import LogPlace
from app.traces.model import StoredLog, StoredSpan


@dataclass(frozen=True, slots=True)
class PlacedLog:
    """A log record of a replay, and where it lies on the replay's clock."""

    record: StoredLog
    attributes: Mapping[str, object]
    platform: str | None
    offset: timedelta
    """The time since the start of the replay; it may lie outside of the replay."""


@dataclass(frozen=True, slots=True)
class PlacedLogs:
    """The log records of a replay, or a part of them if there are too many to be read at once."""

    logs: tuple[PlacedLog, ...]
    """The records in the order of their time."""
    first: int
    """The number of the first record of this part, counted from 1."""
    next_place: LogPlace | None
    """The place after which the next part begins; None if this is the last."""


@dataclass(frozen=True, slots=True)
class LogCount:
    """The number of log records of a replay."""

    number: int
    is_at_least: bool = False
    """True if counting stopped at this number, so that there may be more."""


async def read_logs(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_id: ProjectId,
    project_ids: Sequence[ProjectId],
    *,
    after: LogPlace = logs.BEFORE_ALL,
    replay_spans: Sequence[StoredSpan] | None = None,
) -> PlacedLogs:
    """Read the log records of one replay in the order of their time.

    Args:
        connection: The connection to read with.
        window: The reach of the replay.
        project_id: Project of the replay.
        project_ids: The projects that the reader may see.
        after: The place after which the part begins.
        replay_spans: All spans of the replay if they are read already.
    """
    part = await logs.read_logs_of_replay(connection, window, project_ids, after=after)
    attributes = [packed_json.unpack_object(record.attributes) for record in part.logs]
    platforms = [_find_platform(values) for values in attributes]
    moments = [
        placement.make_log_moment(record, platform)
        for record, platform in zip(part.logs, platforms, strict=True)
    ]
    offsets = await placement.place_in_replay(
        connection, window, project_id, moments, project_ids, replay_spans=replay_spans
    )
    fields = zip(part.logs, attributes, platforms, offsets, strict=True)
    return PlacedLogs(tuple(PlacedLog(*each) for each in fields), part.first, part.next_place)


def hide_bodies(records: PlacedLogs, project_ids: frozenset[ProjectId]) -> PlacedLogs:
    """Take the bodies of requests and answers out of the log records of some projects."""
    if not project_ids:
        return records
    shown = tuple(
        replace(placed, attributes=bodies.hide_bodies(dict(placed.attributes)))
        if placed.record.project_id in project_ids
        else placed
        for placed in records.logs
    )
    return replace(records, logs=shown)


async def count_logs(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    records: PlacedLogs,
) -> LogCount:
    """Count the log records of one replay.

    Args:
        connection: The connection to read with.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        records: Those that are read already. If they are all, Postgres is not asked.
    """
    read_number = records.first - 1 + len(records.logs)
    if records.first == 1 and records.next_place is None:
        return LogCount(read_number)
    counted = await logs.count_logs(connection, window, project_ids)
    return LogCount(max(counted, read_number), is_at_least=counted >= logs.MOST_COUNTED)


def _find_platform(attributes: Mapping[str, object]) -> str | None:
    """Read the platform from the name of the SDK: `python` from `sentry.python`."""
    name = attributes.get("sentry.sdk.name")
    return name.removeprefix("sentry.").partition(".")[0] if isinstance(name, str) else None
