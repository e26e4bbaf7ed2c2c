"""All routes of the REST API on one router."""

from typing import Final

from fastapi import APIRouter

from app.rest import info, organizations
from app.rest.events import routes as events
from app.rest.releases import part_routes as release_parts, routes as releases
from app.rest.uploads import assemble, chunks, old_zip, options

PREFIX: Final = "/api/0"


def resources() -> APIRouter:
    """Return the router of every resource; `app.state.rest_services` must hold `RestServices`."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)
    for resource in (
        info, organizations, releases, release_parts, events, options, chunks, assemble, old_zip,
    ):  # fmt: skip
        router.include_router(resource.router)
    return router
