"""Health checks: for what restarts a process, for what sends requests to it, and for monitoring.

    /health/live    the process runs
    /health/door    phones may be sent here: not while it is about to stop or its journal is full
    /health/pages   people may be sent here: not while it is about to stop
    /health/ready   everything works, Postgres included

A load balancer must not ask `/health/ready` about phones: while Postgres is away, envelopes are
accepted, and phones delete an envelope after any answer of the balancer, also after its 503.
"""

from typing import Final

from fastapi import APIRouter, Response
from sqlalchemy import text

from app.api.drain import Drain
from app.core.errors import DatabaseUnusable, ServiceUnavailable
from app.db.engine import Database
from app.ingest.health import IngestMonitor

_UNREADY: Final = 503
_STOPPING: Final = "this process is about to stop"


def make_health_routes(database: Database, monitor: IngestMonitor, drain: Drain) -> APIRouter:
    """Make the routes of all health checks."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """Answer that the process runs."""
        return {"status": "live"}

    @router.get("/health/door")
    async def door(response: Response) -> dict[str, str]:
        """Answer 200 while envelopes may be sent here, whether or not Postgres answers."""
        health = monitor.read_health()
        reason = "the journal has no room" if health.is_refusing else ""
        return _answer(response, _STOPPING if drain.has_begun else reason)

    @router.get("/health/pages")
    async def pages(response: Response) -> dict[str, str]:
        """Answer 200 while people may be sent here; a page says itself what does not work."""
        return _answer(response, _STOPPING if drain.has_begun else "")

    @router.get("/health/ready")
    async def ready(response: Response) -> dict[str, str]:
        """Answer 200 while everything works; in a journal that fills up, 503 comes early."""
        if drain.has_begun:
            return _answer(response, _STOPPING)
        return _answer(response, await _find_fault(database, monitor))

    return router


def _answer(response: Response, reason: str) -> dict[str, str]:
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
    if isinstance(health.outage, DatabaseUnusable):
        return str(health.outage)
    try:
        async with database.reading() as connection:
            await connection.execute(text("select 1"))
    except ServiceUnavailable as error:
        return str(error)
    return ""
