"""Plays the demo: its replay is sent to this server as a phone would send it."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.administration.projects.play_demo import prepare_demo
from app.core import ids, log
from app.core.errors import ServiceUnavailable
from app.core.ids import ReplayId
from app.web.frame import access, answer
from app.web.frame.dsn import write_dsn
from app.web.frame.services import services_of
from app.web.urls import list_urls, project_urls

router = APIRouter()

_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound

_logger: Final = log.get_logger("web.demo")


@router.post(project_urls.PLAY_DEMO)
async def play_demo(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Start the demo and go to the list; its replay arrives like any other."""
    services = services_of(request)
    targets = await prepare_demo(services.db, services.keys, visitor.person)
    # The id is chosen before the replay is recorded, so that the list can wait for it.
    replay_id = ids.new_replay_id()
    sending = _send_demo(
        write_dsn(services, targets.app_key),
        write_dsn(services, targets.backend_key),
        base_url=_own_address(request),
        replay_id=replay_id,
    )
    services.begin(sending, name="demo")
    return answer.redirect(list_urls.awaited_replay(targets.app_key.project_id, replay_id))


async def _send_demo(app_dsn: str, backend_dsn: str, *, base_url: str, replay_id: ReplayId) -> None:
    # It loads pictures and an encoder, so only those who play the demo wait for it.
    from app.demo import send  # noqa: PLC0415

    try:
        await send.send_demo(app_dsn, backend_dsn, base_url=base_url, replay_id=replay_id)
    except ServiceUnavailable as error:
        _logger.warning("demo_not_sent", error=str(error))


def _own_address(request: Request) -> str:
    """Return where this very process listens, which the public address may not lead to."""
    host, port = request.scope.get("server") or ("127.0.0.1", None)
    if port is None:
        return services_of(request).settings.base_url
    reached = _ANYWHERE.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
