"""Turns what is known about the server's storage into the values of its page."""

from datetime import timedelta
from typing import Final

from app.core.units import format_bytes
from app.projects.retention_rules import AtLimit, ServerRules
from app.retention.preview import GROWTH_DAYS, DeletionEstimate
from app.retention.storage_report import ProjectStorage, StorageReport
from app.web.storage.page import (
    EndedDay,
    KeptReplay,
    KindShare,
    ProjectRow,
    ServerConfirmPage,
    ServerForm,
    StoragePage,
)
from app.web.urls import project_urls, replay_urls
from app.web.words.phrases import count
from app.web.words.privacy import retention as words
from app.web.words.replay.holds import describe_hold_shortly

_URGENT: Final = timedelta(days=31)


def build_page(
    report: StorageReport, *, form: ServerForm | None = None, problem: str | None = None
) -> StoragePage:
    """Build the page of the server's storage.

    Args:
        report: What is known.
        form: The typed values, if the page is shown again because of a problem.
        problem: The mistake to correct, if any.
    """
    known = [*words.KIND_WORDS, *sorted(report.kinds.keys() - words.KIND_WORDS.keys())]
    server = _effective_server(report)
    return StoragePage(
        size_bytes=report.size_bytes,
        growth_bytes=report.growth_bytes,
        disk_total_bytes=report.disk.total_bytes if report.disk else None,
        disk_free_bytes=report.disk.free_bytes if report.disk else None,
        forecast=_describe_forecast(report),
        assumptions=_describe_assumptions(report),
        is_urgent=report.full_on is not None and report.full_on - report.today <= _URGENT,
        kinds=tuple(
            KindShare(words.describe_kind(kind), report.kinds[kind])
            for kind in known
            if report.kinds.get(kind)
        ),
        projects=tuple(
            _build_project(project, server)
            for project in sorted(report.projects, key=lambda each: -each.size_bytes)
        ),
        form=form or write_form(report.own_rules),
        setting_words=words.describe_days_kept(report.longest_days)
        if report.longest_days
        else None,
        last_run_at=report.run.finished_at,
        run_problem=report.run.problem,
        ended=tuple(
            EndedDay(
                report.names.get(receipt.project_id, f"project {receipt.project_id}"),
                words.describe_day(receipt.day),
                receipt.rule,
                receipt.replays,
                receipt.size_bytes,
                receipt.ended_at,
                receipt.swept_at is not None,
            )
            for receipt in report.receipts
        ),
        pins=tuple(
            KeptReplay(
                replay_urls.replay(pin.key.project_id, pin.key.replay_id),
                pin.key.replay_id,
                report.names.get(pin.key.project_id, ""),
                "Pinned",
                pin.pinned_at,
            )
            for pin in report.pins
        ),
        pinned=report.pinned,
        holds=tuple(
            KeptReplay(
                replay_urls.hold_replay(hold.key.project_id, hold.key.replay_id),
                hold.key.replay_id,
                report.names.get(hold.key.project_id, ""),
                f"{describe_hold_shortly(hold)}: {hold.reason}",
                hold.held_at,
            )
            for hold in report.holds
        ),
        held=report.held,
        problem=problem,
    )


def build_confirmation(
    form: ServerForm, rules: ServerRules, estimate: DeletionEstimate
) -> ServerConfirmPage:
    """Build the question before rules of the server are saved."""
    return ServerConfirmPage(
        form,
        f"{'for ' if rules.default_days else ''}{words.describe_days_kept(rules.default_days)}",
        words.describe_days_kept(rules.longest_days) if rules.longest_days else None,
        words.describe_estimate(estimate) if estimate.first_day else None,
        words.describe_counted_days(estimate.counts) if estimate.counts else None,
    )


def write_form(rules: ServerRules) -> ServerForm:
    """Write the rules of the server as the form has them."""
    return ServerForm(str(rules.default_days or ""), str(rules.longest_days or ""))


def _effective_server(report: StorageReport) -> ServerRules:
    limits = [
        days for days in (report.own_rules.longest_days, report.longest_days) if days is not None
    ]
    return ServerRules(report.own_rules.default_days, min(limits, default=None))


def _build_project(project: ProjectStorage, server: ServerRules) -> ProjectRow:
    next_words = "nothing by age"
    if project.goes_on and project.oldest_day:
        day = words.describe_day(project.oldest_day)
        next_words = f"data of {day}, on {words.describe_day(project.goes_on)}"
    rules = project.rules
    if rules.limit_bytes is not None and rules.at_limit is AtLimit.DELETE_OLDEST:
        limit = format_bytes(rules.limit_bytes)
        is_by_age = project.goes_on is not None
        next_words = (
            f"{next_words}, or earlier at {limit}" if is_by_age else f"the oldest day, at {limit}"
        )
    if rules.keep_queries:
        # Hours come before days: most likely these go first.
        hours = count(rules.rest_hours or 0, "hour")
        by_rule = f"replays outside the keep rules, {hours} after their recording ends"
        next_words = f"{by_rule}; then {next_words}"
    return ProjectRow(
        project.project.name,
        project_urls.retention(project.project.id),
        project.size_bytes,
        project.growth_bytes,
        words.describe_rules(project.rules, server),
        next_words,
    )


def _describe_forecast(report: StorageReport) -> str:
    if report.disk is None:
        return "Objects are in a bucket, whose free space Playhead does not know"
    if report.full_on is None:
        return "Not full within three years"
    return f"Full on {report.full_on.day} {report.full_on:%B %Y}"


def _describe_assumptions(report: StorageReport) -> str:
    growth = format_bytes(report.growth_bytes)
    return (
        f"If {growth} arrive each day, as in the last {GROWTH_DAYS} whole days, "
        "all rules stay as they are, and nothing else fills the disk."
    )
