"""The alerts and the dashboard of deploy/monitoring: Prometheus' own tool reads and tries them."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # the package carries no types

from tools import dashboard

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "deploy" / "monitoring"
ALERTS: Final = FOLDER / "alerts.yaml"
ALERT_TESTS: Final = Path(__file__).parent / "alerts.test.yaml"
METRIC: Final = re.compile(r"\b(?:playhead|process)_[a-z_]+\b(?!\")")
DOCUMENTED: Final = re.compile(r"^\| `(playhead_\w+)` \| (\w+) \|", re.MULTILINE)
OF_BACKUPS: Final = re.compile(r"^- `(playhead_backup_\w+)`: ", re.MULTILINE)
"""Metrics that a command writes into a file; `tests/unit/cli/test_backup_metrics.py` compares."""
CLIENT: Final = {
    "process_cpu_seconds_total", "process_max_fds", "process_open_fds",
    "process_resident_memory_bytes", "process_start_time_seconds",
}  # fmt: skip
"""What the Python client of Prometheus says of its process."""


def run_promtool(*arguments: str | Path) -> None:
    """Run Prometheus' tool; its words are in the error if it finds a fault."""
    done = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def list_alerts() -> list[dict[str, Any]]:
    """Return every alert as it is written."""
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def list_series() -> set[str]:
    """Return the names of the series that docs/metrics.md describes, which a test compares."""
    names = set(CLIENT)
    for name, kind in DOCUMENTED.findall((ROOT / "docs" / "metrics.md").read_text()):
        is_histogram = kind == "histogram"
        names |= {f"{name}_{end}" for end in ("bucket", "sum", "count")} if is_histogram else {name}
    return names | set(OF_BACKUPS.findall((ROOT / "docs" / "metrics.md").read_text()))


def list_queries(board: dict[str, Any]) -> Iterator[str]:
    """Yield the queries of a dashboard, with values in place of Grafana's variables."""
    texts = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    texts += [note["expr"] for note in board["annotations"]["list"]]
    for text in texts:
        yield re.sub(r"\$(?:job|instance)", ".+", text.replace("$__rate_interval", "5m"))


def test_every_alert_fires_when_it_should():
    """No alert fires on a server that is well, and each fires on what it is for."""
    run_promtool("check", "rules", ALERTS)
    run_promtool("test", "rules", ALERT_TESTS)
    tried = ALERT_TESTS.read_text()
    assert [rule["alert"] for rule in list_alerts() if rule["alert"] not in tried] == []


def test_alerts_ask_for_metrics_that_exist():
    """Each metric in an alert is one that a server prints."""
    asked = {name for rule in list_alerts() for name in METRIC.findall(rule["expr"])}
    assert len(asked) > 15
    assert asked - list_series() == set()


def test_the_dashboard_is_the_one_that_the_program_writes():
    """The shipped file is up to date; its panels follow the data source that is chosen."""
    shipped = (FOLDER / "playhead-dashboard.json").read_text()
    assert shipped == dashboard.write_dashboard(), f"run {dashboard.__doc__}"
    board = json.loads(shipped)
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers)) > 30
    sources = {panel["datasource"]["uid"] for panel in board["panels"] if "datasource" in panel}
    assert sources == {"${datasource}"}
    assert board["templating"]["list"][0]["type"] == "datasource"
    cells = [
        (column, line)
        for place in (panel["gridPos"] for panel in board["panels"])
        for column in range(place["x"], place["x"] + place["w"])
        for line in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)), "panels lie over one another"
    assert max(column for column, _ in cells) < 24


def test_the_dashboard_asks_for_metrics_that_exist(tmp_path: Path):
    """Prometheus can read each query, and each metric in one is one that a server prints."""
    queries = list(list_queries(json.loads((FOLDER / "playhead-dashboard.json").read_text())))
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(queries)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    run_promtool("check", "rules", path)
    asked = {name for text in queries for name in METRIC.findall(text)}
    assert asked - list_series() == set()
    unused = {name for name in list_series() if name.startswith("playhead_")} - asked
    assert "playhead_digest_waits" not in unused
