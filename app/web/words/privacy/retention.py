"""Words for rules of retention, days and sizes."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from app.core.units import format_bytes
from app.db.counted_days import CountedDays
from app.projects.retention_rules import AtLimit, ProjectRules, ServerRules
from app.retention.preview import DeletionEstimate
from app.retention.rules.change_rules import KeepEstimate
from app.web.words.phrases import count

KIND_WORDS: Final[Mapping[str, str]] = {
    "video": "Video",
    "recordings": "Recordings (breadcrumbs, requests)",
    "events": "Errors",
    "spans": "Traces",
    "logs": "Logs",
    "attachments": "Attached files",
    "pictures": "Small pictures",
    "clips": "Clips",
    "debug_files": "Debug files",
}
"""The kinds of stored data in the order in which pages list them."""


def describe_kind(kind: str) -> str:
    """Name a kind of stored data."""
    return KIND_WORDS.get(kind, kind.capitalize())


def describe_day(day: date) -> str:
    """Write a day: `2 Oct 2026`."""
    return f"{day.day} {day:%b %Y}"


def describe_days_kept(days: int | None) -> str:
    """Say how long something is kept: `30 days`, `for ever`."""
    return "for ever" if days is None else count(days, "day")


def describe_rules(rules: ProjectRules, server: ServerRules) -> str:
    """Say in one sentence what a project keeps, for people who did not choose it."""
    kept_days = rules.effective_days(server)
    parts = [f"Kept {'for ' if kept_days else ''}{describe_days_kept(kept_days)}"]
    if rules.limit_bytes is not None:
        limit = format_bytes(rules.limit_bytes)
        at_limit = (
            "then the oldest data is deleted"
            if rules.at_limit is AtLimit.DELETE_OLDEST
            else "then new videos and files are rejected"
        )
        parts.append(f"up to {limit}, {at_limit}")
    if rules.keep_queries:
        hours = count(rules.rest_hours or 0, "hour")
        number = len(rules.keep_queries)
        mismatch = "do not match the keep rule" if number == 1 else "match none of the keep rules"
        parts.append(f"replays that {mismatch} are deleted after {hours}")
    return "; ".join(parts) + "."


def describe_estimate(estimate: DeletionEstimate) -> str:
    """Say what rules of age and bytes would delete."""
    if estimate.first_day is None or estimate.last_day is None:
        return "nothing"
    replays, size = count(estimate.replays, "replay"), format_bytes(estimate.size_bytes)
    what = f"about {replays}, {size} in all," if estimate.replays else f"about {size}"
    days = "this day" if estimate.first_day == estimate.last_day else "these days"
    of_days = _describe_days(estimate.first_day, estimate.last_day)
    return f"{what} of {of_days}, with everything else that was received on {days}"


def describe_counted_days(counts: CountedDays) -> str:
    """Name the days whose counts would be deleted."""
    return _describe_days(counts.first_day, counts.last_day)


def describe_counts_kept(
    rules: ProjectRules, server: ServerRules, wait_until: date | None = None
) -> str:
    """Say how long counts and ids of sessions are kept.

    Args:
        rules: The rules of the project.
        server: The rules of the server.
        wait_until: The day on which counts begin to be deleted after an update; None if they are.
    """
    waiting = (
        " Older ones, which earlier releases kept for ever, are deleted from"
        f" {describe_day(wait_until)} on."
        if wait_until
        else ""
    )
    return (
        "Daily counts of sessions, of what arrived and of what was removed name no user: they are"
        f" kept for {count(rules.count_days(server), 'day')}.{waiting} Ids of sessions, which"
        f" tell repeated reports apart, are kept for {count(server.mark_days, 'day')}."
    )


def _describe_days(first: date, last: date) -> str:
    if first == last:
        return describe_day(first)
    return f"{describe_day(first)} to {describe_day(last)}"


def describe_keep_estimate(estimate: KeepEstimate) -> str | None:
    """Say which replays keep rules would delete, or None if they would delete none."""
    if not estimate.rejected:
        return None
    matches = "that matches" if estimate.rejected == 1 else "that match"
    if estimate.is_all:
        what = f"{count(estimate.rejected, 'replay')} {matches} none of them"
    else:
        judged = f"{estimate.rejected:,} of the newest {estimate.judged:,} replays"
        what = f"{judged}, {matches.replace('that', 'which')} none of them, and older ones likewise"
    if not estimate.later:
        return what
    hours = count(estimate.rest_hours, "hour")
    some = "" if estimate.later == estimate.rejected else f"{estimate.later:,} of them "
    its = "its recording ends" if estimate.rejected == 1 else "the end of their recording"
    return f"{what}, {some}within {hours} after {its}"
