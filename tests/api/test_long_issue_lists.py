"""Tests of issues and projects that have more of something than a page shows, through the pages."""

import re
from html import unescape

import pytest

from tests.support import envelopes, payloads
from tests.support.server import Server
from tests.support.wire import EVENT_ID

pytestmark = pytest.mark.asyncio(loop_scope="session")


def next_part(html: str) -> str | None:
    """Return where the link to the next part of a list leads."""
    found = re.search(r'href="([^"#]+)(?:#[a-z-]+)?" data-next-part=""', html)
    return unescape(found[1]) if found else None


async def issue_path(tenant: Server) -> str:
    """Return the address of the issue of the event that the tests send."""
    answer = await tenant.web.get(f"/projects/{tenant.app.id}/events/{EVENT_ID}")
    assert answer.status_code == 303
    return answer.headers["location"].partition("/events/")[0]


async def test_every_release_of_an_issue_can_be_read(tenant: Server):
    """The page shows 100 and leads to the others, on the page of one event too."""
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
        rest = (await tenant.web.get(href)).text
        assert "Showing releases 101 to 130 of 130." in rest
        assert next_part(rest) is None
        found = re.findall(r"<bdi>shop@1[.](\d{3})</bdi></a></li>", html + rest)
        assert sorted(map(int, found)) == list(range(130))


async def test_every_file_of_an_event_can_be_read(tenant: Server):
    """The page shows 100 and leads to the others; each downloads as what it is named."""
    names = [f"note-{number:03}.txt" for number in range(110)]
    files = [envelopes.attachment_item(name.encode(), filename=name) for name in names]
    event = envelopes.item("event", payloads.event(EVENT_ID))
    await tenant.take(envelopes.envelope({"event_id": EVENT_ID}, event, *files))
    html = (await tenant.web.get(f"{await issue_path(tenant)}/events/{EVENT_ID}")).text
    assert 'Files <span class="tab-count">110</span>' in html
    assert "Showing the first 100 of 110 files." in html
    href = next_part(html)
    assert href
    rest = (await tenant.web.get(href)).text
    assert "Showing files 101 to 110 of 110." in rest
    links = re.findall(r'<a href="([^"]+)" download="(note-\d{3}.txt)"', html + rest)
    assert [name for _, name in links] == names
    assert (await tenant.web.get(links[104][0])).text == names[104]


async def test_tags_beyond_those_counted_are_told(tenant: Server):
    """Twelve are shown; the page says how many more there are."""
    tags = {f"tag_{number:02}": "x" for number in range(40)}
    await tenant.take(envelopes.event_envelope(EVENT_ID, replay_id=None, tags=tags))
    html = (await tenant.web.get(await issue_path(tenant))).text
    hidden = 40 + len(re.findall(r'class="tag-name">(?!tag_)', html)) - 12
    assert html.count('class="tag-name"') == 12
    assert f"And {hidden} more tags." in html
