"""The parts of a dashboard: forms of panels and queries, for `dashboard_panels.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PROCESS: Final = "{{instance}} {{worker}}"
"""The name of a process: its host, and its number if it is one of several workers."""

type Limits = Sequence[tuple[float, str]]
"""Values from which a colour begins; below the first it is green."""


@dataclass(frozen=True)
class Query:
    """One query of a panel, in PromQL, and the name of its lines."""

    text: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel: lines over time, or a number as it is now.

    Args:
        title: What it shows.
        about: How to read it, and what is normal; it opens at the corner of the panel.
        unit: The unit, by Grafana's name of it.
        queries: The queries whose lines are drawn.
        limits: The values at which it changes its colour.
        is_stacked: Whether the lines add up.
        is_number: Whether only the newest value is shown.
    """

    title: str
    about: str
    unit: str
    queries: Sequence[Query]
    limits: Limits = ()
    is_stacked: bool = False
    is_number: bool = False


@dataclass(frozen=True)
class Section:
    """A question, and the panels that answer it."""

    question: str
    panels: Sequence[Panel]


def select(metric: str, labels: str = "") -> str:
    """Select a metric of the jobs and instances that were chosen at the top."""
    further = f",{labels}" if labels else ""
    return f'{metric}{{job=~"$job",instance=~"$instance"{further}}}'


def draw(title: str, about: str, unit: str, *queries: Query, limits: Limits = ()) -> Panel:
    """Draw lines over time."""
    return Panel(title, about, unit, queries, limits)


def stack(title: str, about: str, unit: str, *queries: Query) -> Panel:
    """Draw areas over time that add up."""
    return Panel(title, about, unit, queries, is_stacked=True)


def show(title: str, about: str, unit: str, text: str, limits: Limits = ()) -> Panel:
    """Show one number."""
    return Panel(title, about, unit, [Query(text)], limits, is_number=True)


def rate(metric: str, labels: str = "", *, by: str) -> Query:
    """Ask for the rate of a counter, added up by some labels."""
    text = f"sum by ({by}) (rate({select(metric, labels)}[$__rate_interval]))"
    return Query(text, _name_lines(by))


def quantile(share: float, metric: str, *, by: str = "") -> Query:
    """Ask for a quantile of a histogram, for all processes or by some labels."""
    group = f"le, {by}" if by else "le"
    buckets = f"sum by ({group}) (rate({select(f'{metric}_bucket')}[$__rate_interval]))"
    legend = f"{_name_lines(by)} p{share * 100:g}".strip()
    return Query(f"histogram_quantile({share}, {buckets})", legend)


def gauge(metric: str, legend: str = "") -> Query:
    """Ask for a gauge of each process."""
    return Query(select(metric), f"{PROCESS} {legend}".strip())


def _name_lines(labels: str) -> str:
    return " ".join(f"{{{{{label.strip()}}}}}" for label in labels.split(",") if label)
