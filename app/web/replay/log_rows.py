"""Rows of the Logs panel: what app and backends logged while the replay was recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.ids import ProjectId, TraceId
from app.playback.links import replay_clock
from app.playback.links.linked_logs import PlacedLog
from app.web.words.activity import DataRow
from app.web.words.breadcrumbs import data_rows
from app.web.words.problems import Source

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
    found: Sequence[PlacedLog],
    *,
    project_id: ProjectId,
    project_names: Mapping[ProjectId, str],
    zero_ms: int,
) -> tuple[LogRow, ...]:
    """Describe records in the order of their place on the replay's clock.

    Args:
        found: The records.
        project_id: The replay's project.
        project_names: Of every project among the records.
        zero_ms: How far the page's zero is behind the start of the replay.
    """
    rows = [_row(one, project_id, project_names, zero_ms) for one in found]
    return tuple(sorted(rows, key=lambda row: row.at_ms))


def _row(
    placed: PlacedLog,
    project_id: ProjectId,
    project_names: Mapping[ProjectId, str],
    zero_ms: int,
) -> LogRow:
    one = placed.record
    shown = {name: value for name, value in placed.attributes.items() if name not in _HIDDEN}
    return LogRow(
        at_ms=round(placed.offset.total_seconds() * 1000) - zero_ms,
        level="warning" if one.level == "warn" else one.level,
        body=one.body,
        source=replay_clock.find_side(project_id, one.project_id, placed.platform),
        project_name=project_names.get(one.project_id, "another project"),
        trace_id=one.trace_id,
        data=data_rows(shown),
    )
