"""All routes of the REST API on one router."""

from fastapi import APIRouter

from app.rest import info

PREFIX = "/api/0"


def resources() -> APIRouter:
    """Return the router of every resource; `app.state.rest_services` must hold `RestServices`."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)
    for resource in (info,):
        router.include_router(resource.router)
    return router
