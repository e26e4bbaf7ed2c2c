"""The REST API for build tools, in processes with the role `pages`."""

from starlette.types import ASGIApp

from app.api.application import make_application
from app.rest import errors, router
from app.rest.entry import RestEntry
from app.rest.services import RestServices
from app.web.frame.middleware.page_metrics import MeasurePages, PageMetrics
from app.wiring.shared import SharedParts
from app.wiring.uploads import DebugUploads


def put_rest_before(
    pages: ASGIApp, shared: SharedParts, uploads: DebugUploads, *, page_metrics: PageMetrics
) -> ASGIApp:
    """Return an application that answers `/api/0/` and leads all else to the pages."""
    rest = make_application()
    rest.state.rest_services = RestServices(
        shared.settings, shared.database, shared.objects, uploads.services, uploads.assembler
    )
    rest.include_router(router.resources())
    errors.install(rest)
    is_https = shared.settings.base_url.startswith("https://")
    return RestEntry(MeasurePages(rest, page_metrics), pages, is_https=is_https)
