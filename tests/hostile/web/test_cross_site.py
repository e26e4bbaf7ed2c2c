"""C1: an unsafe request is answered only if it comes from a page of this server."""

from collections.abc import Iterator
from typing import Final

import httpx2
import pytest

from app.web.frame.middleware.guard import REPORTS
from tests.support.page_routes import FORMS, fill, page_routes
from tests.support.report import Report
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOREIGN: Final = "https://evil.example"
REFUSAL: Final = "This request does not come from a page of this server."
OWN: Final = "OWN"
"""Stands for the origin of the server, which a test knows only when it runs."""
REFUSED: Final[tuple[dict[str, str], ...]] = (
    {},
    {"origin": FOREIGN},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site", "origin": OWN},
    {"sec-fetch-site": "same-site", "origin": OWN},
    {"sec-fetch-site": "none", "origin": OWN},
    {"sec-fetch-site": "same-origin", "origin": FOREIGN},
    {"sec-fetch-site": "same-origin", "origin": "null"},
)
TAKEN: Final[tuple[dict[str, str], ...]] = (
    {"origin": OWN},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "same-origin", "origin": OWN},
)


def fill_in(headers: dict[str, str], server: Server) -> dict[str, str]:
    """Return headers with the origin of the server in its place."""
    return {name: server.base_url if value == OWN else value for name, value in headers.items()}


def posts(good: dict[str, str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield each unsafe route: its path with braces, its address, and a good form."""
    for route in page_routes():
        if route.method == "GET" or route.path == REPORTS:
            continue
        form = {name: value.format_map(good) for name, value in FORMS.get(route.path, {}).items()}
        yield route.path, route.path.format_map(good), form


async def test_an_unsafe_request_comes_from_our_own_pages(tenant: Server, report: Report) -> None:
    """Nine ways to come from elsewhere are refused at every route; three from here are not.

    A person is signed in where requests must be refused, and nobody where they are not: what such
    a request would do is tested elsewhere, and would leave less to ask for.
    """
    good = await fill(tenant)
    wrong: list[str] = []
    cookie = {"cookie": "; ".join(f"{one.name}={one.value}" for one in tenant.web.cookies.jar)}
    async with httpx2.AsyncClient(
        base_url=tenant.base_url, trust_env=False, timeout=PATIENCE_S
    ) as nobody:
        for route, path, form in posts(good):
            for headers in REFUSED:
                answer = await tenant.sender.post(
                    path,
                    data=form,
                    headers={**fill_in(headers, tenant), **cookie},
                )
                if answer.status_code != 403 or REFUSAL not in answer.text:
                    wrong.append(f"{route} {headers}: {answer.status_code}")
                report.round(cases=1)
            for headers in TAKEN:
                answer = await nobody.post(path, data=form, headers=fill_in(headers, tenant))
                if REFUSAL in answer.text:
                    wrong.append(f"{route} {headers}: refused")
                report.round(cases=1)
    assert wrong == []


async def test_a_safe_request_changes_nothing(tenant: Server) -> None:
    """No address that takes a form does with GET what it does with POST."""
    good = await fill(tenant)
    both = {route.path for route in page_routes() if route.method == "GET"}
    for route, path, _ in posts(good):
        if route not in both:
            answer = await tenant.web.get(path, headers={"accept": "*/*"})
            assert answer.status_code in {404, 405}, route
