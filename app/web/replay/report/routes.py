"""The report of a replay as a page, and each of its files.

…/report                     everything on one page
…/report/report.md           steps, errors and requests as Markdown; …/steps.txt, …/maestro.yaml, …
…?from=61000&to=71000        of a range (core/replay_range.py)
"""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.core.replay_range import read_replay_range
from app.reports.read_report import note_report_taken, read_report
from app.web.frame import answer
from app.web.frame.report_addresses import answer_with_file, make_report_addresses
from app.web.replay import absence
from app.web.replay.readers import PartReaderHere
from app.web.replay.report.build import build_report, build_report_page
from app.web.urls import replay_urls
from app.web.urls.routing import route_to
from app.web.words.reports.file_blocks import find_file, write_file

router = APIRouter()


@router.get(route_to(replay_urls.report))
async def show_report(request: Request, reader: PartReaderHere) -> Response:
    """Show the report of a replay, or of the range `from` to `to` of it."""
    replay_range = read_replay_range(request.query_params)
    try:
        data = await read_report(reader, replay_range)
    except NotFound:
        return await absence.show_absence(request, reader)
    report = await asyncio.to_thread(
        build_report, data, replay_range, make_report_addresses(request)
    )
    page = await asyncio.to_thread(build_report_page, data, report)
    return await answer.render_page(request, "replay/report.html", page)


@router.get(route_to(replay_urls.report_file))
async def send_report_file(request: Request, reader: PartReaderHere, name: str) -> Response:
    """Send a file of the report, and note who took it."""
    file = find_file(name)
    replay_range = read_replay_range(request.query_params)
    try:
        data = await read_report(reader, replay_range)
    except NotFound:
        return await absence.show_absence(request, reader)
    report = await asyncio.to_thread(
        build_report, data, replay_range, make_report_addresses(request)
    )
    text = await asyncio.to_thread(write_file, report, file)
    await note_report_taken(reader, file.value)
    return answer_with_file(text, file)
