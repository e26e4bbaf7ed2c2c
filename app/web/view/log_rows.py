"""Rows of the Logs panel: what app and backends logged while the replay was recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.ids import ProjectId, TraceId
from app.core.windows import ReplayWindow
from app.formats import packed
from app.playback import links
from app.traces.model import StoredLog
from app.web.view.activity import DataRow
from app.web.view.breadcrumbs import data_rows
from app.web.view.problems import Source

_MOST_ROWS: Final = 2_000
_HIDDEN: Final = frozenset({"sentry.replay_id", "sentry.message.template"})


@dataclass(frozen=True, slots=True)
class LogRow:
    """One record."""

    at_ms: int
    level: str
    body: str
    source: Source
    project_name: str
    trace_id: TraceId | None
    data: tuple[DataRow, ...]


def log_rows(
    found: Sequence[StoredLog],
    window: ReplayWindow,
    *,
    project_id: ProjectId,
    project_names: Mapping[ProjectId, str],
    zero_ms: int,
) -> tuple[LogRow, ...]:
    """Describe records in the order of their place on the replay's clock; the first 2,000.

    Args:
        found: The records.
        window: The reach of the replay.
        project_id: The replay's project.
        project_names: Of every project among the records.
        zero_ms: How far the page's zero is behind the start of the replay.
    """
    rows = [_row(one, window, project_id, project_names, zero_ms) for one in found]
    return tuple(sorted(rows, key=lambda row: row.at_ms)[:_MOST_ROWS])


def _row(
    one: StoredLog,
    window: ReplayWindow,
    project_id: ProjectId,
    project_names: Mapping[ProjectId, str],
    zero_ms: int,
) -> LogRow:
    attributes = _attributes(one.attributes)
    side = links.side(project_id, one.project_id, _platform(attributes))
    at_ms = links.offset_ms(window, one.at, one.drift_ms, made_by=side)
    shown = {name: value for name, value in attributes.items() if name not in _HIDDEN}
    return LogRow(
        at_ms=at_ms - zero_ms,
        level="warning" if one.level == "warn" else one.level,
        body=one.body,
        source=side,
        project_name=project_names.get(one.project_id, "another project"),
        trace_id=one.trace_id,
        data=data_rows(shown),
    )


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
