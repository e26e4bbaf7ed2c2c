"""Every parameter of every route is given odd values: none causes a server error."""

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from starlette.datastructures import ImmutableMultiDict, QueryParams

from app.db.lists import TIME_KEY, CursorValue, ListOrder
from app.issues import orders as issue_orders
from app.replays.search import orders as replay_orders, query_conditions
from app.web.frame.cursors import write_cursor
from tests.support.page_routes import FORMS, PUT_LAST, fill, page_routes
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

# As they stand in an address: percent-encoded where they must be.
ODD = ("-1", str(2**31), "9" * 24, "1%00", "%D9%A3%FF%ED%A0%80")
"""Numbers too large for any column, a NUL, and bytes that are not UTF-8."""
ODD_IN_EVERY_PATH = (ODD[2],)
"""The values for projects and replays: most paths name them, and one function reads them all."""
OLD_CURSORS = tuple(
    quote(base64.urlsafe_b64encode(byte * length))
    for byte in (b"\0", b"\xff")
    for length in (24, 25, 33)
)
EXTREMES: dict[type, tuple[CursorValue, CursorValue]] = {
    datetime: (datetime(1970, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)),
    timedelta: (timedelta(microseconds=-(2**63)), timedelta(microseconds=2**63 - 1)),
    int: (-(2**63), 2**63 - 1),
    str: ("0" * 32, "f" * 32),
}
"""The least and the greatest value of each type that a cursor can hold."""


def extreme_cursors(key_types: tuple[type, ...]) -> tuple[str, ...]:
    """Return the cursors of a list with the least and with the greatest values."""
    return tuple(write_cursor(tuple(EXTREMES[each][end] for each in key_types)) for end in (0, 1))


CURSORS = (
    *OLD_CURSORS,
    *extreme_cursors(TIME_KEY),
    *extreme_cursors((datetime, int, str)),
    *extreme_cursors((int, datetime, int, str)),
    write_cursor((2**31 - 1, EXTREMES[datetime][0], 2**63 - 1, "f" * 32)),
)
CURSOR_PARAMETERS = {"after", "before", "since", "after_error"}
WITHOUT_FORM = {
    "/sign-in/{token}",
    "/sign-out",
    "/account/sign-ins/{handle}/end",
    "/projects/{project_id}/settings/members/{person_id}/remove",
    "/projects/{project_id}/replays/{replay_id}/delete",
    "/projects/{project_id}/replays/{replay_id}/clips/{clip_id}/delete",
    "/projects/{project_id}/issues/{issue_id}/delete",
    "/projects/{project_id}/issues/{issue_id}/events/{event_id}/symbolicate",
    "/projects/{project_id}/debug-files",
    "/projects/{project_id}/settings/trackers/{tracker_id}/delete",
    "/projects/{project_id}/issues/{issue_id}/tickets/{ticket_id}/remove",
    "/projects/{project_id}/replays/{replay_id}/tickets/{ticket_id}/remove",
    "/projects/{project_id}/tokens/{token_id}/revoke",
    "/projects/{project_id}/replays/{replay_id}/shares/{share_id}/revoke",
    *(
        f"{scope}/alerts/{act}"
        for scope in ("/projects/{project_id}", "/server")
        for act in (
            "targets/{target_id}/test",
            "targets/{target_id}/secret",
            "targets/{target_id}/delete",
            "rules/{rule_id}/delete",
        )
    ),
    "/demo",
    "/csp-report",
    "/account/sign-ins/end-others",
    "/server/health/processes/{process_id}/forget",
    "/server/health/quarantine/{quarantined_id}/retry",
    "/server/people/{person_id}/deactivate",
    "/server/people/{person_id}/reactivate",
    "/server/people/{person_id}/link/withdraw",
    "/server/people/{person_id}/sign-ins/end",
    "/server/people/{person_id}/sign-ins/{handle}/end",
}


@pytest.fixture
def read_parameters(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Record which parameters of the query are read, declared or not."""
    names: set[str] = set()
    for method in ("get", "getlist", "__getitem__"):
        original = getattr(ImmutableMultiDict, method)

        def recorded(self, key, *arguments, _original=original):
            if isinstance(self, QueryParams):
                names.add(key)
            return _original(self, key, *arguments)

        monkeypatch.setattr(ImmutableMultiDict, method, recorded)
    return names


def odd_paths(path: str, good: dict[str, str]) -> Iterator[str]:
    """Yield the addresses of a route with one odd part."""
    for name in re.findall(r"\{(\w+)\}", path):
        for odd in ODD_IN_EVERY_PATH if name in {"project_id", "replay_id"} else ODD:
            yield path.format_map({**good, name: odd})


def faults_of(answers: dict[str, int]) -> list[str]:
    """Return the requests that were answered with a server error."""
    return [f"{request[:200]}: {status}" for request, status in answers.items() if status >= 500]


async def ask(server: Server, path: str, answers: dict[str, int]) -> None:
    """Open a page as a script does, and record the status."""
    answer = await server.web.get(path, headers={"accept": "*/*"})
    answers[path] = answer.status_code


async def test_no_address_makes_a_page_fail(tenant: Server, read_parameters: set[str]):
    """Each part of the path and each parameter of the query is odd, one by one."""
    good = await fill(tenant)
    answers: dict[str, int] = {}
    for route in page_routes():
        if route.method != "GET":
            continue
        path = route.path.format_map(good)
        read_parameters.clear()
        await ask(tenant, path, answers)
        for name in sorted(read_parameters - {"done"}):
            for odd in (*ODD, *(CURSORS if name in CURSOR_PARAMETERS else ())):
                await ask(tenant, f"{path}?{name}={odd}", answers)
        for odd_path in odd_paths(route.path, good):
            await ask(tenant, odd_path, answers)
    assert faults_of(answers) == []
    assert sum(status == 200 for status in answers.values()) > 50, "the pages are reached"


@pytest.mark.parametrize(
    ("path", "orders"), [("/replays", replay_orders.ORDERS), ("/issues", issue_orders.ORDERS)]
)
async def test_no_cursor_makes_a_list_fail(
    tenant: Server, path: str, orders: Mapping[str, ListOrder[Any]]
):
    """A list in any order takes the extreme cursors of that order, and refuses those of old."""
    for name, order in orders.items():
        for parameter in ("after", "before"):
            for cursor in extreme_cursors(order.key_types):
                answer = await tenant.web.get(f"{path}?sort={name}&{parameter}={cursor}")
                assert answer.status_code == 200, (name, parameter, cursor)
            for cursor in OLD_CURSORS:
                answer = await tenant.web.get(f"{path}?sort={name}&{parameter}={cursor}")
                assert answer.status_code == 400, (name, parameter, cursor)


async def test_no_term_of_a_search_makes_it_fail(tenant: Server):
    """Each key of the search has each odd value."""
    answers: dict[str, int] = {}
    for key in (*query_conditions.COLUMN_KEYS, "seen", "error", "tags[x]"):
        for odd in ("%3E" + "9" * 15, "9" * 12 + "d"):
            await ask(tenant, f"/replays?query={quote(key)}:{odd}", answers)
    for odd in ("x:%00", "%00:x", "%00"):
        await ask(tenant, f"/replays?query={odd}", answers)
    assert faults_of(answers) == []


async def test_no_form_makes_a_page_fail(tenant: Server):
    """Each field of each form and each part of its path is odd, one by one."""
    good = await fill(tenant)
    answers: dict[str, int] = {}

    async def post(path: str, form: dict[str, str]) -> None:
        body = "&".join(f"{name}={value}" for name, value in form.items())
        answer = await tenant.web.post(
            path,
            content=body.encode(),
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "*/*"},
        )
        answers[f"{path} {body}"] = answer.status_code

    routes = [route for route in page_routes() if route.method == "POST"]
    for route in sorted(routes, key=lambda route: route.path.endswith(PUT_LAST)):
        fields = FORMS.get(route.path, {})
        form = {name: value.format_map(good) for name, value in fields.items()}
        assert form or route.path in WITHOUT_FORM, f"name the fields of {route.path}"
        for odd_path in odd_paths(route.path, good):
            await post(odd_path, form)
        for name in form:
            for odd in ODD:
                await post(route.path.format_map(good), {**form, name: odd})
    assert faults_of(answers) == []
