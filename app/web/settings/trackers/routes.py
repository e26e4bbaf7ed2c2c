"""The trackers of a project: where its tickets are, and what new ones say."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.administration.projects.project_trackers import (
    add_project_tracker,
    change_project_tracker,
    delete_project_tracker,
    list_project_trackers,
)
from app.core.errors import InvalidInput
from app.memberships.model import ProjectAccess
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.settings.trackers.build import NEW, build_trackers_page
from app.web.urls import project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()


@router.get(route_to(project_urls.trackers))
async def show_trackers(request: Request, project_access: access.CurrentProject) -> Response:
    """Show the trackers of a project, to be changed."""
    return await _show(request, project_access)


@router.post(route_to(project_urls.trackers))
async def add_tracker(request: Request, project_access: access.CurrentProject) -> Response:
    """Add a tracker."""
    fields = await forms.read_form(request)
    try:
        await add_project_tracker(services_of(request).db, project_access, fields)
    except InvalidInput as error:
        return await _show(request, project_access, error, fields, NEW)
    return answer.redirect(project_urls.trackers(project_access.project.id), done="tracker-added")


@router.post(route_to(project_urls.change_tracker))
async def change_tracker(
    request: Request, project_access: access.CurrentProject, tracker_id: access.RowId
) -> Response:
    """Change a tracker."""
    fields = await forms.read_form(request)
    try:
        await change_project_tracker(services_of(request).db, project_access, tracker_id, fields)
    except InvalidInput as error:
        return await _show(request, project_access, error, fields, tracker_id)
    return answer.redirect(project_urls.trackers(project_access.project.id), done="tracker-saved")


@router.post(route_to(project_urls.delete_tracker))
async def delete_tracker(
    request: Request, project_access: access.CurrentProject, tracker_id: access.RowId
) -> Response:
    """Delete a tracker; tickets that were kept stay."""
    await delete_project_tracker(services_of(request).db, project_access, tracker_id)
    return answer.redirect(project_urls.trackers(project_access.project.id), done="tracker-deleted")


async def _show(
    request: Request,
    project_access: ProjectAccess,
    refusal: InvalidInput | None = None,
    fields: Mapping[str, str] | None = None,
    refused_id: int = NEW,
) -> Response:
    trackers = await list_project_trackers(services_of(request).db, project_access)
    page = build_trackers_page(
        project_access,
        trackers,
        refused_id=refused_id,
        fields=fields,
        problem=phrases.sentence(str(refusal)) if refusal else None,
    )
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "settings/trackers.html", page, status=status)
