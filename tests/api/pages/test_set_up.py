"""The set-up page over HTTP: from nothing to a recorded replay."""

import pytest

from tests.support.browsers import signed_in
from tests.support.builders.people import make_person
from tests.support.html_reader import parse_page
from tests.support.recorded import delivery
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def checks(server: Server) -> dict[str, str]:
    """Return the lines of the list with their tones."""
    page = await server.web.get(f"/projects/{server.app.id}/set-up")
    assert page.status_code == 200
    found = parse_page(page.text).all("li", class_="finding")
    return {one.all("strong")[0].text: one["data-tone"] for one in found}


async def test_the_list_follows_what_arrives(tenant: Server):
    """A recorded replay completes all checks but those of hosts without a service."""
    assert set((await checks(tenant)).values()) == {"none"}
    await delivery.deliver_family(tenant, "android-session-full-a")
    found = await checks(tenant)
    for title in ("First segment received", "Video can be played", "Error linked"):
        assert found[title] == "good"
    assert found["Backend error linked"] == "good"
    assert found["Requests to 127.0.0.1 are traced"] == "good"
    assert found["Requests to img.cartwheel.example lead to no backend"] == "warn"


async def test_the_texts_carry_the_key_of_the_project(tenant: Server):
    """The page has texts for apps and services; members of other projects get 404."""
    path = f"/projects/{tenant.app.id}/set-up"
    html = (await tenant.web.get(path)).text
    assert html.count(f"{tenant.app.key}@") > 12
    assert f"/api/{tenant.app.id}/otlp/v1/traces" in html
    person = await make_person(tenant.database, f"guest-{tenant.app.id}@example.com")
    async with signed_in(tenant, person) as browser:
        assert (await browser.get(path)).status_code == 404
