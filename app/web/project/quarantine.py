"""Envelopes that were put aside: to be read by the project's admins, and sent to us."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import NotFound
from app.memberships.model import Role
from app.projects import queries as projects
from app.web.frame import access
from app.web.frame.services import services_of
from app.web.urls import project_urls
from app.web.urls.routing import route_to

router = APIRouter()

_BIGGEST_ID: Final = 2**63 - 1


@router.get(route_to(project_urls.quarantined))
async def download(
    request: Request, inside: access.CurrentProject, quarantined_id: access.RowId
) -> Response:
    """Hand out an envelope as it came over the wire, unscrubbed; that is written down."""
    inside.need(Role.ADMIN)
    if not 0 < quarantined_id <= _BIGGEST_ID:
        raise NotFound("no such envelope")
    async with services_of(request).db.transaction() as connection:
        body = await projects.quarantined_body(connection, inside.project.id, quarantined_id)
        await audit.add_line(
            connection,
            Action.QUARANTINE_DOWNLOADED,
            person_id=inside.person.id,
            project_id=inside.project.id,
            subject=str(quarantined_id),
        )
    name = f"quarantined-{quarantined_id}.envelope"
    return Response(
        body,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
