"""Tests of the set-up page, first without data and then with a recorded replay."""

import pytest

from tests.support.browsers import signed_in
from tests.support.builders.people import make_person
from tests.support.html_reader import parse_page
from tests.support.recorded import delivery
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def read_checks(server: Server) -> dict[str, str]:
    """Return the titles of the checks on the page, with their tones."""
    page = await server.web.get(f"/projects/{server.app.id}/set-up")
    assert page.status_code == 200
    items = parse_page(page.text).all("li", class_="finding")
    return {item.all("strong")[0].text: item["data-tone"] for item in items}


async def test_the_checks_of_set_up_follow_what_arrives(tenant: Server):
    """A recorded replay completes all checks but those of hosts without a service."""
    assert set((await read_checks(tenant)).values()) == {"none"}
    await delivery.deliver_family(tenant, "android-session-full-a")
    tones = await read_checks(tenant)
    for title in ("First segment received", "Video can be played", "Error linked"):
        assert tones[title] == "good"
    assert tones["Backend error linked"] == "good"
    assert tones["Requests to 127.0.0.1 are traced"] == "good"
    assert tones["Requests to img.cartwheel.example lead to no backend"] == "warn"


async def test_the_set_up_texts_carry_the_key_of_the_project(tenant: Server):
    """The page has texts for apps and services; members of other projects get 404."""
    path = f"/projects/{tenant.app.id}/set-up"
    html = (await tenant.web.get(path)).text
    assert html.count(f"{tenant.app.key}@") > 12
    assert f"/api/{tenant.app.id}/otlp/v1/traces" in html
    builds = parse_page(html).all("section", id="builds")[0].text
    for words in (
        f'url.set("{tenant.base_url}")',
        f"defaults.url={tenant.base_url} ",
        f"export SENTRY_URL={tenant.base_url} ",
        "Make an API token",
    ):
        assert words in builds
    assert builds.count("app-") >= 7, "each text has the slug of the project"
    person = await make_person(tenant.database, f"guest-{tenant.app.id}@example.com")
    async with signed_in(tenant, person) as browser:
        assert (await browser.get(path)).status_code == 404
