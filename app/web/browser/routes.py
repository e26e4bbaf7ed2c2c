"""Answers what browsers ask for and report by themselves: the icon, and breaches of the policy."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from app.core.shipped import STATIC
from app.web.frame import access, forms
from app.web.frame.middleware import csp_reports, guard
from app.web.frame.services import services_of

router = APIRouter()

_MOST_BYTES: Final = 16 * 1024
_DAY: Final = "public, max-age=86400"


@router.post(guard.REPORTS)
async def take_report(request: Request) -> Response:
    """Log that a browser refused something on a page of this server."""
    reports = services_of(request).csp_reports
    if not reports.admit(access.client_address(request)):
        return Response(status_code=429, headers={"Retry-After": str(csp_reports.WAIT_S)})
    reports.note(await forms.read_body(request, most_bytes=_MOST_BYTES))
    return Response(status_code=204)


@router.get("/favicon.ico")
async def send_icon() -> Response:
    """Send the icon to clients that ask for it at the customary address."""
    icon = STATIC / "icons" / "favicon.svg"
    return FileResponse(icon, headers={"Cache-Control": _DAY}, media_type="image/svg+xml")
