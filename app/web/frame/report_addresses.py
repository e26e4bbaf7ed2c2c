"""The addresses that reports name, and the answer that carries a file of a report."""

from starlette.requests import Request
from starlette.responses import Response

from app.core.ids import ProjectId, ReplayId
from app.core.replay.replay_range import ReplayRange
from app.reports.files import ReportFile
from app.reports.model import ReportAddresses
from app.web.frame.services import services_of
from app.web.urls import issue_urls, replay_urls
from app.web.words.reports.file_blocks import MEDIA_TYPES


def make_report_addresses(request: Request) -> ReportAddresses:
    """Return the addresses that reports name."""
    return ReportAddresses(
        base_url=services_of(request).settings.base_url,
        moment_path=_moment_path,
        poster_path=_poster_path,
        picture_path=_picture_path,
        issue_path=issue_urls.issue,
        event_path=issue_urls.issue_event,
    )


def answer_with_file(text: str, file: ReportFile) -> Response:
    """Answer with a file of a report as a download."""
    headers = {
        "Content-Disposition": f'attachment; filename="{file.value}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-store",
    }
    media_type = f"{MEDIA_TYPES.get(file, 'text/plain')}; charset=utf-8"
    return Response(text.encode("utf-8", "replace"), 200, headers, media_type)


def _moment_path(
    project_id: ProjectId, replay_id: ReplayId, at_ms: int, marked: ReplayRange | None
) -> str:
    """Return the path of a moment, in tenths of a second, as people read addresses in reports."""
    return replay_urls.replay_at(project_id, replay_id, at_ms=at_ms // 100 * 100, marked=marked)


def _poster_path(project_id: ProjectId, replay_id: ReplayId) -> str:
    return f"{replay_urls.pictures(project_id, replay_id)}/poster.webp"


def _picture_path(project_id: ProjectId, replay_id: ReplayId, at_ms: int) -> str:
    # Rounded down it could show what was on the screen before the range of the report.
    return replay_urls.picture_at(project_id, replay_id, at_ms=at_ms)
