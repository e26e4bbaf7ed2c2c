"""Tests of pages whose issue or project has more of something than one page shows."""

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.core import clock
from app.projects import writes as project_writes
from tests.support.builders import envelopes, payloads
from tests.support.builders.wire import EVENT_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def next_part(html: str) -> str | None:
    """Return the address of the next part of a list, or None after the last part."""
    link = re.search(r'href="([^"#]+)(?:#[a-z-]+)?" data-next-part=""', html)
    return unescape(link[1]) if link else None


@pytest_asyncio.fixture(loop_scope="session")
async def many_projects(tenant: Server) -> AsyncIterator[set[int]]:
    """Add the tenant's person to 1,010 more projects, and offer the ids of all their projects."""
    async with tenant.database.transaction() as connection:
        added = await connection.scalars(
            text(
                """
                with added as (
                    insert into projects (slug, name)
                    select gen_random_uuid(), 'Z ' || n from generate_series(1, 1010) n
                    returning id
                )
                insert into members (project_id, person_id, role)
                select a.id, m.person_id, 'viewer'
                from added a, members m where m.project_id = :project_id
                returning project_id
                """
            ),
            {"project_id": tenant.app.id},
        )
        ids = set(added)
    yield {tenant.app.id, tenant.backend.id, *ids}
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("delete from projects where id = any(:ids)"), {"ids": list(ids)}
        )


async def issue_path(tenant: Server) -> str:
    """Return the address of the issue of the event that the tests send."""
    answer = await tenant.web.get(f"/projects/{tenant.app.id}/events/{EVENT_ID}")
    assert answer.status_code == 303
    return answer.headers["location"].partition("/events/")[0]


async def test_every_release_of_an_issue_can_be_read(tenant: Server):
    """The pages of an issue and of its event show 100 releases and link to the others."""
    events = [EVENT_ID, *(f"{number:032x}" for number in range(1, 130))]
    await tenant.take(
        *(
            envelopes.event_envelope(event_id, replay_id=None, release=f"shop@1.{number:03}")
            for number, event_id in enumerate(events)
        )
    )
    path = await issue_path(tenant)
    for address in (path, f"{path}/events/{EVENT_ID}"):
        html = (await tenant.web.get(address)).text
        assert "Showing the first 100 of 130 releases." in html
        href = next_part(html)
        assert href
        assert href.startswith(f"{address}?")
        next_html = (await tenant.web.get(href)).text
        assert "Showing releases 101 to 130 of 130." in next_html
        assert next_part(next_html) is None
        releases = re.findall(r"<bdi>shop@1[.](\d{3})</bdi></a></li>", html + next_html)
        assert sorted(map(int, releases)) == list(range(130))


async def test_every_file_of_an_event_can_be_read(tenant: Server):
    """The page shows 100 files and links to the others; each link downloads the file it names."""
    names = [f"note-{number:03}.txt" for number in range(110)]
    files = [envelopes.attachment_item(name.encode(), filename=name) for name in names]
    event = envelopes.item("event", payloads.event(EVENT_ID))
    await tenant.take(envelopes.envelope({"event_id": EVENT_ID}, event, *files))
    html = (await tenant.web.get(f"{await issue_path(tenant)}/events/{EVENT_ID}")).text
    assert 'Files <span class="tab-count">110</span>' in html
    assert "Showing the first 100 of 110 files." in html
    href = next_part(html)
    assert href
    next_html = (await tenant.web.get(href)).text
    assert "Showing files 101 to 110 of 110." in next_html
    links = re.findall(r'<a href="([^"]+)" download="(note-\d{3}.txt)"', html + next_html)
    assert [name for _, name in links] == names
    assert (await tenant.web.get(links[104][0])).text == names[104]


async def test_the_page_of_an_issue_says_how_many_tags_it_leaves_out(tenant: Server):
    """The page shows twelve tags, and says how many more there are."""
    tags = {f"tag_{number:02}": "x" for number in range(40)}
    await tenant.take(envelopes.event_envelope(EVENT_ID, replay_id=None, tags=tags))
    html = (await tenant.web.get(await issue_path(tenant))).text
    hidden = 40 + len(re.findall(r'class="tag-name">(?!tag_)', html)) - 12
    assert html.count('class="tag-name"') == 12
    assert f"And {hidden} more tags." in html


async def test_every_quarantined_envelope_can_be_read(tenant: Server):
    """The page of a project shows the newest 50 envelopes, and links to the others."""
    async with tenant.database.transaction() as connection:
        for number in range(70):
            await project_writes.add_quarantined(
                connection,
                tenant.app.id,
                received_at=clock.now(),
                item_types=["event"],
                reason=f"fault {number}.",
                body=b"{}",
            )
    html = (await tenant.web.get(f"/projects/{tenant.app.id}")).text
    assert "Showing the first 50 of 70 envelopes." in html
    href = next_part(html)
    assert href
    next_html = (await tenant.web.get(href)).text
    assert "Showing envelopes 51 to 70 of 70." in next_html
    assert list(map(int, re.findall(r"fault (\d+)[.]", html + next_html))) == list(range(70))[::-1]


async def test_every_project_of_a_person_can_be_reached(tenant: Server, many_projects: set[int]):
    """The list shows 100 projects and links to the others; the filter offers all of them."""
    listed_ids: set[int] = set()
    html, address = "", "/projects"
    while address:
        html = (await tenant.web.get(address)).text
        listed_ids |= {
            int(project_id) for project_id in re.findall(r'<h2><a href="/projects/(\d+)"', html)
        }
        address = next_part(html) or ""
    assert listed_ids == many_projects
    assert "Showing projects 1,001 to 1,012 of 1,012." in html
    feedback_html = (await tenant.web.get(f"/feedback?project={tenant.app.id}")).text
    offered_ids = re.findall(r'<option value="(\d+)"', feedback_html)
    assert {int(project_id) for project_id in offered_ids} == many_projects
