"""Writes the dashboard of Grafana, whose JSON nobody would want to edit by hand.

    .venv/bin/python -m tools.dashboard deploy/monitoring/playhead-dashboard.json

`dashboard_panels.py` says what it shows. A test compares the file with what this program writes.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tools.dashboard_panels import SECTIONS
from tools.dashboard_parts import Panel, Query, select

_COLUMNS: Final = 24
_SIZE: Final = (8, 8)
_NUMBER_SIZE: Final = (4, 4)
"""Columns and rows of a panel in Grafana's grid."""
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_NUMBER_OPTIONS: Final[dict[str, Any]] = {
    "colorMode": "value",
    "graphMode": "none",
    "justifyMode": "auto",
    "textMode": "value",
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
}
_LINE_OPTIONS: Final[dict[str, Any]] = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
    "tooltip": {"mode": "multi", "sort": "desc"},
}


def make_dashboard() -> dict[str, Any]:
    """Make the dashboard as Grafana imports it."""
    return {
        "title": "Playhead",
        "uid": "playhead",
        "description": "What an operator asks. docs/runbook.md says what to do.",
        "tags": ["playhead"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": list(_make_variables())},
        "annotations": {"list": [_make_restarts()]},
        "links": [],
        "panels": list(_lay_out_panels()),
    }


def _make_variables() -> Iterator[dict[str, Any]]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "refresh": 1,
    }
    for name, label, query in (
        ("job", "Job", "label_values(playhead_build_info, job)"),
        ("instance", "Instance", 'label_values(playhead_build_info{job=~"$job"}, instance)'),
    ):
        yield {
            "name": name,
            "label": label,
            "type": "query",
            "datasource": _SOURCE,
            "query": {"query": query, "refId": name},
            "definition": query,
            "multi": True,
            "includeAll": True,
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "refresh": 2,
            "sort": 1,
            "hide": 0,
        }


def _make_restarts() -> dict[str, Any]:
    return {
        "name": "Starts",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": f"changes({select('process_start_time_seconds')}[1m]) > 0",
        "titleFormat": "Started",
        "textFormat": "{{instance}}",
    }


def _lay_out_panels() -> Iterator[dict[str, Any]]:
    """Lay panels side by side, and begin a new line when the next one does not fit."""
    number, top = 1, 0
    for section in SECTIONS:
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        title = {"type": "row", "title": section.question, "collapsed": False, "panels": []}
        yield {"id": number, "gridPos": place, **title}
        number, top, left, height = number + 1, top + 1, 0, 0
        for panel in section.panels:
            width, height = _NUMBER_SIZE if panel.is_number else _SIZE
            if left + width > _COLUMNS:
                top, left = top + height, 0
            place = {"x": left, "y": top, "w": width, "h": height}
            yield {"id": number, "gridPos": place, **_make_panel(panel)}
            number, left = number + 1, left + width
        top += height


def _make_panel(panel: Panel) -> dict[str, Any]:
    colours = [(None, "green"), *panel.limits]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {
            "mode": "absolute",
            "steps": [{"color": colour, "value": value} for value, colour in colours],
        },
    }
    if not panel.is_number:
        defaults["custom"] = _draw_lines(panel)
    return {
        "type": "stat" if panel.is_number else "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "targets": [
            _make_target("ABCDEF"[place], query, is_instant=panel.is_number)
            for place, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _NUMBER_OPTIONS if panel.is_number else _LINE_OPTIONS,
    }


def _make_target(letter: str, query: Query, *, is_instant: bool) -> dict[str, Any]:
    return {
        "refId": letter,
        "datasource": _SOURCE,
        "editorMode": "code",
        "expr": query.text,
        "legendFormat": query.legend or "__auto",
        "instant": is_instant,
        "range": not is_instant,
    }


def _draw_lines(panel: Panel) -> dict[str, Any]:
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if panel.is_stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.is_stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if panel.limits else "off"},
    }


def write_dashboard() -> str:
    """Return the text of the file."""
    return json.dumps(make_dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(write_dashboard(), encoding="utf-8")
