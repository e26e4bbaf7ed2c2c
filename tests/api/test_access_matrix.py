"""Tests of the access of every role to every route of the pages.

A project that a person is not a member of is answered like one that does not exist: with 404.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final, Literal

import httpx2
import pytest
import pytest_asyncio

from app.memberships import writes as membership_writes
from app.memberships.model import Role
from tests.support.browsers import signed_in, stranger
from tests.support.builders.people import make_person
from tests.support.page_routes import FORMS, PUT_LAST, PageRoute, fill, page_routes
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

Least = Role | Literal["anybody", "somebody", "admin of the server"]

VIEWER, MEMBER, ADMIN, OWNER = Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER
_P: Final = "/projects/{project_id}"
_R: Final = _P + "/replays/{replay_id}"
_I: Final = _P + "/issues/{issue_id}"
_E: Final = _P + "/events/{event_id}"
_S: Final = "/server/people/{person_id}"

GET: Final[dict[str, Least]] = {
    "/": "anybody",
    "/favicon.ico": "anybody",
    "/sign-in": "anybody",
    "/sign-in/{token}": "anybody",
    "/sign-in/forgotten": "anybody",
    # Without a sign-in provider there is nothing there: tests/api/sign_in has one.
    "/sign-in/openid": "anybody",
    "/sign-in/openid/callback": "anybody",
    # Whoever has the token, which these tests do not: tests/api/sharing has one.
    "/s/{token}": "anybody",
    **{
        f"/s/{{token}}/{below}": "anybody"
        for below in (
            "activity",
            "errors",
            "feedback",
            "gestures",
            "index",
            "logs",
            "network",
            "picture.jpg",
            "pictures",
            "pictures/sheet-{number}.webp",
            "requests.har",
            "requests/{number}",
            "served",
            "stream",
            "trace",
            "traces/{trace_id}",
        )
    },
    "/account": "somebody",
    "/account/password": "somebody",
    "/replays": "somebody",
    "/replays/new": "somebody",
    # Asks about replays of all projects: of those in which the visitor may delete.
    "/replays/matching/delete": "somebody",
    "/erasures": "somebody",
    "/erasures/{erasure_id}": MEMBER,
    "/erasures/{erasure_id}/receipt.json": MEMBER,
    "/issues": "somebody",
    "/feedback": "somebody",
    "/projects": "somebody",
    "/why": "somebody",
    "/projects/new": "admin of the server",
    "/server": "admin of the server",
    "/server/health": "admin of the server",
    "/server/cells": "admin of the server",
    "/server/people": "admin of the server",
    "/server/people/invite": "admin of the server",
    _S: "admin of the server",
    "/replays/{replay_id}": VIEWER,
    "/traces/{trace_id}": VIEWER,
    "/traces/{trace_id}/spans/{span_id}": VIEWER,
    _P: VIEWER,
    f"{_P}/set-up": VIEWER,
    f"{_P}/releases": VIEWER,
    f"{_P}/settings": ADMIN,
    f"{_P}/retention": VIEWER,
    f"{_P}/debug-files": VIEWER,
    "/server/storage": "admin of the server",
    f"{_P}/settings/privacy": ADMIN,
    f"{_P}/settings/trackers": ADMIN,
    f"{_P}/open-shares": ADMIN,
    f"{_P}/keys": ADMIN,
    f"{_P}/tokens": ADMIN,
    f"{_P}/alerts": ADMIN,
    f"{_P}/alerts/log": ADMIN,
    f"{_P}/alerts/targets/{{target_id}}": ADMIN,
    f"{_P}/alerts/rules/new": ADMIN,
    f"{_P}/alerts/rules/{{rule_id}}": ADMIN,
    "/server/alerts": "admin of the server",
    "/server/alerts/log": "admin of the server",
    "/server/alerts/targets/{target_id}": "admin of the server",
    "/server/alerts/rules/new": "admin of the server",
    "/server/alerts/rules/{rule_id}": "admin of the server",
    f"{_P}/log": ADMIN,
    f"{_P}/erasures": ADMIN,
    f"{_P}/erasures/project": OWNER,
    f"{_P}/log/export/{{form}}": ADMIN,
    "/server/log": "admin of the server",
    "/server/log/export/{form}": "admin of the server",
    f"{_P}/quarantine/{{quarantined_id}}": ADMIN,
    _R: VIEWER,
    f"{_R}/delete": MEMBER,
    f"{_R}/holds": VIEWER,
    f"{_R}/clips": VIEWER,
    f"{_R}/clips/{{clip_id}}": VIEWER,
    f"{_R}/clips/{{clip_id}}/file": VIEWER,
    f"{_R}/hand-on": VIEWER,
    f"{_R}/errors": VIEWER,
    f"{_R}/activity": VIEWER,
    f"{_R}/network": VIEWER,
    f"{_R}/logs": VIEWER,
    f"{_R}/trace": VIEWER,
    f"{_R}/feedback": VIEWER,
    f"{_R}/viewers": VIEWER,
    f"{_R}/requests.har": VIEWER,
    f"{_R}/requests/{{number}}": VIEWER,
    f"{_R}/index": VIEWER,
    f"{_R}/stream": VIEWER,
    f"{_R}/gestures": VIEWER,
    f"{_R}/segments/{{segment_id}}.mp4": VIEWER,
    f"{_R}/pictures": VIEWER,
    f"{_R}/pictures/poster.webp": VIEWER,
    f"{_R}/pictures/moment.webp": VIEWER,
    f"{_R}/pictures/preview.webp": VIEWER,
    f"{_R}/pictures/sheet-{{number}}.webp": VIEWER,
    f"{_R}/traces/{{trace_id}}": VIEWER,
    f"{_R}/served": VIEWER,
    f"{_R}/report": VIEWER,
    f"{_R}/report/{{name}}": VIEWER,
    _I: VIEWER,
    f"{_I}/report": VIEWER,
    f"{_I}/report/{{name}}": VIEWER,
    f"{_I}/events/{{event_id}}": VIEWER,
    f"{_I}/replays": VIEWER,
    f"{_I}/feedback": VIEWER,
    f"{_I}/delete": ADMIN,
    _E: VIEWER,
    f"{_E}/files/{{number}}": MEMBER,
    f"{_E}/files/{{number}}/picture.webp": MEMBER,
}
POST: Final[dict[str, Least]] = {
    "/sign-in": "anybody",
    "/sign-in/forgotten": "anybody",
    "/sign-in/{token}": "anybody",
    "/sign-out": "anybody",
    "/theme": "anybody",
    "/csp-report": "anybody",
    "/account/name": "somebody",
    "/account/password": "somebody",
    "/account/sign-ins/{handle}/end": "somebody",
    "/account/sign-ins/end-others": "somebody",
    # For whoever is invited: to everybody else there is no invitation.
    f"{_P}/invitation": "somebody",
    "/projects/new": "admin of the server",
    "/demo": "admin of the server",
    "/server/health/quarantine/{quarantined_id}/retry": "admin of the server",
    "/server/health/processes/{process_id}/forget": "admin of the server",
    "/server/people/invite": "admin of the server",
    f"{_S}/link": "admin of the server",
    f"{_S}/link/withdraw": "admin of the server",
    f"{_S}/deactivate": "admin of the server",
    f"{_S}/reactivate": "admin of the server",
    f"{_S}/admin": "admin of the server",
    f"{_S}/role": "admin of the server",
    f"{_S}/sign-ins/end": "admin of the server",
    f"{_S}/sign-ins/{{handle}}/end": "admin of the server",
    "/replays/selected": VIEWER,
    "/replays/selected/delete": MEMBER,
    "/replays/matching/delete": MEMBER,
    f"{_P}/erasures/person": ADMIN,
    f"{_P}/erasures/range": ADMIN,
    f"{_P}/erasures/project": OWNER,
    "/replays/selected/pin": MEMBER,
    "/replays/selected/hold": ADMIN,
    f"{_P}/keys": ADMIN,
    f"{_P}/keys/{{public_key}}/name": ADMIN,
    f"{_P}/keys/{{public_key}}/switch": ADMIN,
    f"{_P}/tokens": ADMIN,
    f"{_P}/tokens/{{token_id}}/revoke": ADMIN,
    f"{_P}/debug-files": MEMBER,
    f"{_P}/debug-files/delete": ADMIN,
    f"{_I}/events/{{event_id}}/symbolicate": MEMBER,
    f"{_P}/alerts/begin": ADMIN,
    f"{_P}/alerts/targets/{{target_id}}": ADMIN,
    f"{_P}/alerts/targets/{{target_id}}/test": ADMIN,
    f"{_P}/alerts/targets/{{target_id}}/secret": ADMIN,
    f"{_P}/alerts/targets/{{target_id}}/delete": ADMIN,
    f"{_P}/alerts/rules/new": ADMIN,
    f"{_P}/alerts/rules/{{rule_id}}": ADMIN,
    f"{_P}/alerts/rules/{{rule_id}}/switch": ADMIN,
    f"{_P}/alerts/rules/{{rule_id}}/delete": ADMIN,
    f"{_P}/alerts/pictures": ADMIN,
    "/server/alerts/begin": "admin of the server",
    "/server/alerts/targets/{target_id}": "admin of the server",
    "/server/alerts/targets/{target_id}/test": "admin of the server",
    "/server/alerts/targets/{target_id}/secret": "admin of the server",
    "/server/alerts/targets/{target_id}/delete": "admin of the server",
    "/server/alerts/rules/new": "admin of the server",
    "/server/alerts/rules/{rule_id}": "admin of the server",
    "/server/alerts/rules/{rule_id}/switch": "admin of the server",
    "/server/alerts/rules/{rule_id}/delete": "admin of the server",
    f"{_P}/retention": ADMIN,
    "/server/storage": "admin of the server",
    f"{_P}/settings/name": ADMIN,
    f"{_P}/settings/bodies": ADMIN,
    f"{_P}/settings/shares": ADMIN,
    f"{_P}/open-shares/revoke": ADMIN,
    f"{_P}/settings/trackers": ADMIN,
    f"{_P}/settings/trackers/{{tracker_id}}": ADMIN,
    f"{_P}/settings/trackers/{{tracker_id}}/delete": ADMIN,
    f"{_I}/tickets": MEMBER,
    f"{_I}/tickets/{{ticket_id}}/remove": MEMBER,
    f"{_R}/tickets": MEMBER,
    f"{_R}/tickets/{{ticket_id}}/remove": MEMBER,
    f"{_P}/settings/privacy": ADMIN,
    f"{_P}/settings/privacy/try": ADMIN,
    f"{_P}/settings/members": ADMIN,
    f"{_P}/settings/members/{{person_id}}/remove": ADMIN,
    f"{_P}/settings/invitations/withdraw": ADMIN,
    f"{_R}/clips": MEMBER,
    f"{_R}/clips/{{clip_id}}/delete": MEMBER,
    f"{_R}/delete": MEMBER,
    f"{_R}/pin": MEMBER,
    f"{_R}/holds": ADMIN,
    f"{_R}/holds/release": ADMIN,
    f"{_R}/shares": MEMBER,
    f"{_R}/shares/{{share_id}}/revoke": MEMBER,
    f"{_I}/status": MEMBER,
    f"{_I}/delete": ADMIN,
}
LEAST: Final = {
    PageRoute(path, method): least
    for method, table in (("GET", GET), ("POST", POST))
    for path, least in table.items()
}
OUT_OF_REACH: Final = {
    *(PageRoute(f"/replays/selected/{act}", "POST") for act in ("delete", "pin", "hold")),
    PageRoute("/replays/matching/delete", "POST"),
}
"""Forms that name replays in their fields: a replay that the role may not delete gets 404."""


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(tenant: Server) -> AsyncIterator[dict[Role | None, httpx2.AsyncClient]]:
    """A browser for each role in the app's project; for None, that of a member of another one."""
    async with AsyncExitStack() as stack:
        clients: dict[Role | None, httpx2.AsyncClient] = {}
        for role in (None, *reversed(Role)):
            email = f"{role}.{tenant.app.id}@example.com"
            person = await make_person(tenant.database, email)
            clients[role] = await stack.enter_async_context(signed_in(tenant, person, role=role))
            if role is None:
                async with tenant.database.transaction() as connection:
                    backend_id = tenant.backend.id
                    await membership_writes.set_member(
                        connection, backend_id, person.id, Role.OWNER
                    )
        yield clients


async def ask(browser: httpx2.AsyncClient, route: PageRoute, good: dict[str, str]) -> int:
    """Send a request as a script does; return the status."""
    path, headers = route.path.format_map(good), {"accept": "*/*"}
    if route.method == "GET":
        return (await browser.get(path, headers=headers)).status_code
    fields = FORMS.get(route.path, {})
    form = {name: value.format_map(good) for name, value in fields.items()}
    return (await browser.post(path, data=form, headers=headers)).status_code


async def test_every_route_is_in_the_table():
    """The table of access names every route, and no route that does not exist."""
    assert set(page_routes()) == set(LEAST)


async def test_strangers_get_401_from_routes_that_need_a_sign_in(tenant: Server):
    """Strangers get 401 from every route but those that the table opens to anybody."""
    good = await fill(tenant)
    async with stranger(tenant) as browser:
        for route, least in LEAST.items():
            status = await ask(browser, route, good)
            if route != PageRoute("/sign-in", "POST"):  # 401 there says that the password is wrong
                assert (status == 401) == (least != "anybody"), route


async def test_each_role_has_the_access_that_the_table_says(
    tenant: Server, browsers: dict[Role | None, httpx2.AsyncClient]
):
    """A role gets 403 beyond its rights, and 404 in projects of others."""
    good = await fill(tenant)
    wrong: list[str] = []
    opened = 0
    for route in sorted(LEAST, key=lambda route: route.path.endswith(PUT_LAST)):
        least = LEAST[route]
        if least == "anybody":
            continue
        for role, browser in browsers.items():
            status = await ask(browser, route, good)
            opened += status == 200
            refusal = _refusal(route, least, role)
            is_right = status == refusal if refusal else status < 500 and status not in {401, 403}
            if not is_right:
                wrong.append(f"{route.method} {route.path} as {role}: {status}")
    assert wrong == []
    assert opened > 100, "the pages are reached"


async def test_an_admin_of_the_server_is_refused_nothing(tenant: Server):
    """Every page opens for an admin of the server, and every form about a person."""
    person = await make_person(tenant.database, f"changed.{tenant.app.id}@example.com")
    admin = await make_person(
        tenant.database, f"server-admin.{tenant.app.id}@example.com", is_admin=True
    )
    good = {**await fill(tenant), "person_id": str(person.id)}
    async with signed_in(tenant, admin) as browser:
        for route, least in LEAST.items():
            if least != "anybody" and (route.method == "GET" or route.path.startswith(_S)):
                status = await ask(browser, route, good)
                assert status < 500, route
                assert status not in {401, 403}, route


def _refusal(route: PageRoute, least: Least, role: Role | None) -> int | None:
    """Return the status that refuses a role, or None if the role has access."""
    if least == "admin of the server":
        return 403
    if not isinstance(least, Role):
        return None
    if role is None:
        return 404
    if role.includes(least):
        return None
    return 404 if route in OUT_OF_REACH else 403
