"""Health checks: for what restarts a process, for what sends requests to it, and for monitoring.

    /health/live    the process runs
    /health/door    phones may be sent here: not to a process that is about to stop, has no role
                    `door` or no room in its journal
    /health/pages   people may be sent here: not to one that is about to stop or has no role `pages`
    /health/ready   everything works, Postgres included

A load balancer must not ask `/health/ready` about phones: while Postgres is away, envelopes are
accepted, and phones delete an envelope after any answer of the balancer, also after its 503.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response
from sqlalchemy import text

from app.api.drain import ServerDrain
from app.core.errors import DatabaseUnusable, ServiceUnavailable
from app.core.process_roles import ProcessRole
from app.db.engine import Database
from app.ingest.health import IngestMonitor
from app.storage.port import StoreMismatch

_UNREADY: Final = 503
_STOPPING: Final = "this process is about to stop"


def make_health_routes(
    database: Database, monitor: IngestMonitor, drain: ServerDrain, roles: Sequence[ProcessRole]
) -> APIRouter:
    """Make the routes of all health checks."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """Answer that the process runs."""
        return {"status": "live"}

    @router.get("/health/door")
    async def door(response: Response) -> dict[str, str]:
        """Answer 200 while envelopes may be sent here, whether or not Postgres answers."""
        reason = _find_obstacle(drain, roles, ProcessRole.DOOR)
        if not reason and monitor.read_health().is_refusing:
            reason = "the journal has no room"
        return _write_health_answer(response, reason)

    @router.get("/health/pages")
    async def pages(response: Response) -> dict[str, str]:
        """Answer 200 while people may be sent here; a page says itself what does not work."""
        return _write_health_answer(response, _find_obstacle(drain, roles, ProcessRole.PAGES))

    @router.get("/health/ready")
    async def ready(response: Response) -> dict[str, str]:
        """Answer 200 while everything works; in a journal that fills up, 503 comes early."""
        if drain.has_begun:
            return _write_health_answer(response, _STOPPING)
        return _write_health_answer(response, await _find_fault(database, monitor))

    return router


def _find_obstacle(drain: ServerDrain, roles: Sequence[ProcessRole], role: ProcessRole) -> str:
    """Return why no request for a role should be sent here, or an empty string."""
    if drain.has_begun:
        return _STOPPING
    return "" if role in roles else f"this process does not have the role {role}"


def _write_health_answer(response: Response, reason: str) -> dict[str, str]:
    """Answer 503 with a reason, or 200 if there is none."""
    if not reason:
        return {"status": "ready"}
    response.status_code = _UNREADY
    return {"status": "not ready", "detail": reason}


async def _find_fault(database: Database, monitor: IngestMonitor) -> str:
    """Return what does not work, or an empty string."""
    health = monitor.read_health()
    if health.is_filling:
        return "the journal runs out of room"
    if isinstance(health.outage, DatabaseUnusable | StoreMismatch):
        return str(health.outage)
    try:
        async with database.reading() as connection:
            await connection.execute(text("select 1"))
    except ServiceUnavailable as error:
        return str(error)
    return ""
