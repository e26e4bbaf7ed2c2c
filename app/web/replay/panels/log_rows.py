"""Describes the rows of the Logs panel: what app and backends logged during the replay."""

from typing import Final

from app.playback.links import replay_clock
from app.playback.links.linked_logs import PlacedLog
from app.playback.visit.model import ReplayContext, ReplayLogs
from app.web.replay.panels.rows import LogRow
from app.web.words.breadcrumb.breadcrumb_rows import data_rows

_HIDDEN: Final = frozenset({"sentry.replay_id", "sentry.message.template"})


def log_rows(logs: ReplayLogs) -> tuple[LogRow, ...]:
    """Describe log records in the order of their place on the player's clock."""
    rows = [_log_row(placed, logs.context) for placed in logs.records.logs]
    return tuple(sorted(rows, key=lambda row: row.at_ms))


def _log_row(placed: PlacedLog, context: ReplayContext) -> LogRow:
    record = placed.record
    attributes = {name: value for name, value in placed.attributes.items() if name not in _HIDDEN}
    return LogRow(
        at_ms=round(placed.offset.total_seconds() * 1000) - context.zero_ms,
        level="warning" if record.level == "warn" else record.level,
        body=record.body,
        source=replay_clock.find_side(context.key.project_id, record.project_id, placed.platform),
        project_name=context.project_names.get(record.project_id, "another project"),
        trace_id=record.trace_id,
        data=data_rows(attributes),
    )
