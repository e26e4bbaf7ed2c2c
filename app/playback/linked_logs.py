"""The log records of a replay, each with its place on the clock of the replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.core.windows import ReplayWindow
from app.formats import packed
from app.playback import placement
from app.traces import logs
from app.traces.model import StoredLog


@dataclass(frozen=True, slots=True)
class PlacedLog:
    """A log record of a replay, and where it lies on the replay's clock."""

    record: StoredLog
    attributes: Mapping[str, object]
    platform: str | None
    offset: timedelta
    """From the start of the replay; may lie outside of it."""


async def logs_of(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_id: ProjectId,
    project_ids: Sequence[ProjectId],
) -> tuple[PlacedLog, ...]:
    """Read the log records of one replay in the order of their time.

    Args:
        connection: Where to read.
        window: The reach of the replay.
        project_id: Project of the replay.
        project_ids: The projects that the reader may see.
    """
    found = await logs.logs_of(connection, window, project_ids)
    attributes = [_attributes(one.attributes) for one in found]
    platforms = [_platform(one) for one in attributes]
    moments = [
        placement.moment_of_log(one, platform)
        for one, platform in zip(found, platforms, strict=True)
    ]
    offsets = await placement.offsets_in_replay(
        connection, window, project_id, moments, project_ids
    )
    return tuple(PlacedLog(*one) for one in zip(found, attributes, platforms, offsets, strict=True))


def _attributes(data: bytes) -> Mapping[str, object]:
    """Read what came with a record; one that cannot be read has nothing."""
    try:
        value = packed.unpack_json(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _platform(attributes: Mapping[str, object]) -> str | None:
    """Take the platform out of the SDK's name: `sentry.python` is one of a backend."""
    name = attributes.get("sentry.sdk.name")
    return name.removeprefix("sentry.").partition(".")[0] if isinstance(name, str) else None
