"""Plays the demo app into this server, through the same door as a phone."""

from typing import Final

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.model import Person
from app.core import ids, log
from app.core.errors import PermissionDenied, ServiceUnavailable
from app.core.ids import ReplayId
from app.demo import names
from app.memberships import queries as memberships
from app.projects import queries as projects
from app.projects.model import Project
from app.web.frame import access, answer, dsn
from app.web.frame.services import PageServices, services_of
from app.web.project.routes import add_project
from app.web.urls import list_urls, project_urls

router = APIRouter()

_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound

_log = log.get_logger("web.demo")


@router.post(project_urls.PLAY_DEMO)
async def play_demo(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Start the demo and go on; its replay arrives like any other."""
    if not visitor.person.is_admin:
        raise PermissionDenied("only an admin of this server plays the demo")
    here = services_of(request)
    async with here.db.transaction() as connection:
        app, backend = await _projects(connection, visitor.person)
        app_dsn = await _dsn(connection, here, app)
        backend_dsn = await _dsn(connection, here, backend)
    await here.keys.refresh()
    # Named before it is recorded, so that the list can wait for it.
    replay_id = ids.new_replay_id()
    playing = _play(app_dsn, backend_dsn, base_url=_own_address(request), replay_id=replay_id)
    here.begin(playing, name="demo")
    return answer.redirect(list_urls.awaited_replay(app.id, replay_id))


async def _projects(connection: AsyncConnection, person: Person) -> tuple[Project, Project]:
    """Return the projects of an app and a backend; those that are not there are made."""
    listed = await memberships.list_projects(connection, person)
    backend = next((one for one in listed if one.name == names.BACKEND), None)
    apps = [one for one in listed if one.name != names.BACKEND]
    chosen = next((one for one in apps if one.name == names.APP), apps[0] if apps else None)
    return (
        chosen or await add_project(connection, person, names.APP),
        backend or await add_project(connection, person, names.BACKEND),
    )


async def _dsn(connection: AsyncConnection, here: PageServices, project: Project) -> str:
    """Return the DSN of a project.

    Raises:
        PermissionDenied: All its keys are off, so nothing may be sent to it.
    """
    found = dsn.write_first_dsn(here, await projects.keys_of(connection, project.id))
    if found is None:
        raise PermissionDenied(f"all keys of the project {log.shown(project.name)} are off")
    return found


async def _play(app_dsn: str, backend_dsn: str, *, base_url: str, replay_id: ReplayId) -> None:
    from app.demo import send  # noqa: PLC0415 - needs an image library and a video encoder

    try:
        await send.play(app_dsn, backend_dsn, base_url=base_url, replay_id=replay_id)
    except ServiceUnavailable as error:
        _log.warning("demo_not_sent", error=str(error))


def _own_address(request: Request) -> str:
    """Return where this very process listens, which the public address may not lead to."""
    host, port = request.scope.get("server") or ("127.0.0.1", None)
    if port is None:
        return services_of(request).settings.base_url
    reached = _ANYWHERE.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
