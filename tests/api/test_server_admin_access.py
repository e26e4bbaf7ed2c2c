"""C2: an admin of the server reaches every route of the table of access."""

import httpx2

from tests.api.test_access_matrix import LEAST, ask
from tests.support.browsers import signed_in
from tests.support.builders.people import make_person
from tests.support.page_routes import PUT_LAST, fill
from tests.support.servers.server import Server


async def test_an_admin_of_the_server_reaches_everything(server: Server):
    """An admin who is a member nowhere has the rights of an owner everywhere, and the server's."""
    good = await fill(server)
    person = await make_person(server.database, is_admin=True)
    async with signed_in(server, person) as browser:
        browser.timeout = httpx2.Timeout(60)
        wrong = []
        for route in sorted(LEAST, key=lambda route: route.path.endswith(PUT_LAST)):
            # The demo goes on sending after it is answered, and has tests of its own.
            if LEAST[route] != "anybody" and route.path != "/demo":
                status = await ask(browser, route, good)
                # Only what `fill` does not make, as a link or an invitation, is not there.
                if status >= 500 or status in {401, 403}:
                    wrong.append(f"{route.method} {route.path}: {status}")
    assert wrong == []
