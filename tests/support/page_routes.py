"""Every route of the pages, as the application has them: for tests that must miss none."""

from dataclasses import dataclass

from fastapi.routing import iter_route_contexts

from app.web import router


@dataclass(frozen=True, slots=True, order=True)
class PageRoute:
    """An address with its parameters in braces, and one method that it takes."""

    path: str
    method: str


def page_routes() -> list[PageRoute]:
    """Return the routes of all pages, in the order of their addresses."""
    return sorted(
        PageRoute(context.path or "", method)
        for context in iter_route_contexts(router.pages().routes)
        for method in context.methods or ()
    )
