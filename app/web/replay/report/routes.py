"""The report of a replay as a page, and each of its files.

…/report                     everything on one page
…/report/report.md           steps, errors and requests as Markdown; …/steps.txt, …/maestro.yaml, …
…?from=61000&to=71000        of a range (core/replay/replay_range.py)
…/tickets                    POST `url` keeps a ticket; …/tickets/<id>/remove forgets it
"""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import InvalidInput, NotFound
from app.core.replay.replay_range import ReplayRange, read_replay_range
from app.memberships.model import Role
from app.playback.visit.reader import ReplayReader
from app.reports.model import ReplayReport
from app.reports.read_report import ReportData, note_report_taken, read_report
from app.reports.tickets.keep import forget_replay_ticket, keep_replay_ticket
from app.web.frame import access, answer, forms
from app.web.frame.report_addresses import answer_with_file, make_report_addresses
from app.web.frame.services import services_of
from app.web.replay import absence
from app.web.replay.readers import MemberHere, PartReaderHere, ReplayReaderHere
from app.web.replay.report.build import build_report, build_report_page
from app.web.urls import replay_urls
from app.web.urls.routing import route_to
from app.web.words import phrases
from app.web.words.reports.file_blocks import find_file, write_file

router = APIRouter()


@router.get(route_to(replay_urls.report))
async def show_report(
    request: Request, watching: access.CurrentReplay, reader: PartReaderHere
) -> Response:
    """Show the report of a replay, or of the range `from` to `to` of it."""
    return await _show(request, watching, reader)


@router.post(route_to(replay_urls.keep_ticket))
async def keep_ticket(
    request: Request, watching: access.CurrentReplay, member: MemberHere, reader: ReplayReaderHere
) -> Response:
    """Keep the address of a ticket with the replay."""
    url = (await forms.read_form(request)).get("url", "")
    try:
        await keep_replay_ticket(reader.db, reader.key, url, person_id=member.person.id)
    except InvalidInput as error:
        return await _show(request, watching, reader, error)
    except NotFound:
        return await absence.show_absence(request, reader)
    return _go_back(reader, done="ticket-kept")


@router.post(route_to(replay_urls.forget_ticket))
async def forget_ticket(
    member: MemberHere, reader: ReplayReaderHere, ticket_id: access.RowId
) -> Response:
    """Forget the address of a ticket of the replay."""
    await forget_replay_ticket(reader.db, reader.key, ticket_id, person_id=member.person.id)
    return _go_back(reader, done="ticket-forgotten")


@router.get(route_to(replay_urls.report_file))
async def send_report_file(request: Request, reader: PartReaderHere, name: str) -> Response:
    """Send a file of the report, and note who took it."""
    file = find_file(name)
    replay_range = read_replay_range(request.query_params)
    try:
        data = await read_report(reader, replay_range)
    except NotFound:
        return await absence.show_absence(request, reader)
    report = await _build(request, data, replay_range)
    text = await asyncio.to_thread(write_file, report, file)
    await note_report_taken(reader, file.value)
    return answer_with_file(text, file)


async def _build(
    request: Request, data: ReportData, replay_range: ReplayRange | None
) -> ReplayReport:
    return await asyncio.to_thread(
        build_report,
        data,
        replay_range,
        make_report_addresses(request),
        draws_pictures=services_of(request).settings.pictures,
    )


async def _show(
    request: Request,
    watching: access.CurrentReplay,
    reader: ReplayReader,
    refusal: InvalidInput | None = None,
) -> Response:
    """Show the report; after a refused form, what to correct and the report of all of it."""
    replay_range = None if refusal else read_replay_range(request.query_params)
    try:
        data = await read_report(reader, replay_range)
    except NotFound:
        return await absence.show_absence(request, reader)
    report = await _build(request, data, replay_range)
    role = watching.access.role
    page = await asyncio.to_thread(
        build_report_page,
        data,
        report,
        may_change=role.includes(Role.MEMBER),
        may_set_up=role.includes(Role.ADMIN),
        problem=phrases.sentence(str(refusal)) if refusal else None,
    )
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "replay/report.html", page, status=status)


def _go_back(reader: ReplayReader, *, done: str) -> Response:
    """Lead back to the tickets of the report."""
    href = replay_urls.report(reader.key.project_id, reader.key.replay_id)
    return answer.redirect(f"{href}#tickets", done=done)
