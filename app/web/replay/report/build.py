"""Builds the page of a replay's report."""

from functools import partial

from app.core.replay.replay_range import ReplayRange
from app.replays import naming
from app.reports.model import ReplayReport, ReportAddresses
from app.reports.read_report import ReportData
from app.reports.replay_report import build_replay_report
from app.web.replay.report.page import ReplayReportPage
from app.web.urls import replay_urls
from app.web.words.reports.file_blocks import build_file_blocks
from app.web.words.reports.ticket_blocks import build_ticket_section


def build_report(
    data: ReportData,
    replay_range: ReplayRange | None,
    addresses: ReportAddresses,
    *,
    draws_pictures: bool,
) -> ReplayReport:
    """Put together the report of a replay or of a range of it.

    Args:
        data: The replay.
        replay_range: The range; None for the whole replay.
        addresses: The addresses of pages.
        draws_pictures: True if this server draws small pictures of replays.

    Raises:
        InvalidInput: The range begins after the end of the replay.
    """
    has_video = bool(data.page.context.outline.playable.newest.gops)
    return build_replay_report(
        data.page,
        replay_range,
        addresses,
        has_poster=data.has_poster,
        has_moments=draws_pictures and has_video,
    )


def build_report_page(
    data: ReportData,
    report: ReplayReport,
    *,
    may_change: bool,
    may_set_up: bool,
    problem: str | None = None,
) -> ReplayReportPage:
    """Build the page that shows each file of a report.

    Args:
        data: The replay.
        report: Its report.
        may_change: True if the visitor may keep tickets with the replay.
        may_set_up: True if the visitor may change the project's trackers.
        problem: What to correct in the form of a ticket.
    """
    outline, key, within = data.page.context.outline, data.page.context.key, report.within
    ids = (key.project_id, key.replay_id)
    report_href = replay_urls.report(*ids, replay_range=within)
    return ReplayReportPage(
        user=naming.name_user(outline.replay.user),
        started_at=outline.recorded_at,
        replay_href=replay_urls.replay_at(
            *ids, at_ms=within.from_ms if within else 0, marked=within
        ),
        hand_on_href=replay_urls.hand_on(*ids, replay_range=within),
        whole_href=replay_urls.report(*ids) if within else None,
        within=within,
        files=build_file_blocks(
            report, partial(replay_urls.report_file, *ids, replay_range=within)
        ),
        tickets=build_ticket_section(
            data.tickets,
            report,
            whole_url=report.addresses.base_url + report_href,
            keep_href=replay_urls.keep_ticket(*ids),
            remove_href=partial(replay_urls.forget_ticket, *ids),
            may_change=may_change,
            may_set_up=may_set_up,
        ),
        problem=problem,
    )
