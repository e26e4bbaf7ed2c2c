"""One event of a project, for programs that check what symbolication made of it."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core import ids
from app.core.errors import NotFound
from app.core.ids import EventId
from app.rest import access, answers
from app.rest.events.shapes import describe_event
from app.rest.services import services_of
from app.triage.event import project_event

router = APIRouter()

_EVENT = "/projects/{org}/{project}/events/{event_id}/"


@router.get(_EVENT)
async def show_event(
    request: Request, target: access.EventReaderProject, event_id: str
) -> Response:
    """Show an event with its clear stack, as Sentry would."""
    services, project_id = services_of(request), target.project.id
    digits = ids.read_hex32(access.read_segment(event_id))
    if digits is None:
        raise NotFound("an event is named by 32 hex digits")
    event = await project_event.read_project_event(services.db, project_id, EventId(digits))
    token = target.caller.token
    if services.readings.is_first(token.id, project_id):
        await project_event.note_reading(
            services.db, project_id, token_id=token.id, token_name=token.name
        )
    return answers.write_json(describe_event(event))
