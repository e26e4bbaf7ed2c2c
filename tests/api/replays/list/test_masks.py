"""What SDKs mask: found by search, counted on the page of the project, linked on a replay's."""

import re
from typing import Any

import pytest

from tests.support.builders import envelopes, recordings
from tests.support.builders.wire import MISSING, STARTED_MS
from tests.support.html_reader import parse_page
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

MASKED, TEXT_OPEN, SILENT = ("a" * 32, "b" * 32, "c" * 32)


async def send_replays(tenant: Server) -> None:
    """Send a replay that masks all, one with texts in the open, and one that says nothing."""
    settings: dict[str, dict[str, Any]] = {
        MASKED: {"maskAllText": True, "maskAllImages": True},
        TEXT_OPEN: {"maskAllText": False, "maskAllImages": 1},
        SILENT: {"maskAllText": MISSING},
    }
    for replay_id, changes in settings.items():
        events = [recordings.meta(STARTED_MS), recordings.video_note(STARTED_MS),
                  recordings.options(STARTED_MS, **changes)]  # fmt: skip
        await tenant.take(
            envelopes.replay_video_envelope(0, replay_id=replay_id, events=events),
            envelopes.replay_video_envelope(1, replay_id=replay_id),
        )


async def find(tenant: Server, query: str) -> set[str]:
    """Return the ids of the replays that a query finds."""
    answer = await tenant.web.get("/replays", params={"project": tenant.app.id, "query": query})
    return set(re.findall(rf"/projects/{tenant.app.id}/replays/([0-9a-f]{{32}})", answer.text))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mask.text:off", {TEXT_OPEN}),
        ("mask.text:on", {MASKED}),
        ("mask.images:on", {MASKED, TEXT_OPEN}),
        ("mask.images:off", set()),
        ('mask.text:""', {SILENT}),
        ("has:mask.text", {MASKED, TEXT_OPEN}),
        ("!mask.text:on", {TEXT_OPEN, SILENT}),
    ],
)
async def test_replays_are_found_by_their_masks(tenant: Server, query: str, found: set[str]):
    """`mask.text` and `mask.images` are `on`, `off`, or not there if the SDK does not say."""
    await send_replays(tenant)
    assert await find(tenant, query) == found


async def test_a_project_counts_replays_by_sdk_and_masks(tenant: Server):
    """The page warns of texts in the open, and each row leads to its replays."""
    await send_replays(tenant)
    page = parse_page((await tenant.web.get(f"/projects/{tenant.app.id}")).text)
    text = " ".join(page.text.split())
    assert "Texts in 1 replay of 3 are not masked by default." in text
    links = [a["href"] for a in page.all("a", "href") if "mask.text" in a["href"]]
    assert len(links) == 3
    found = []
    for link in links:
        answer = await tenant.web.get(link)
        found.append(set(re.findall(r"/replays/([0-9a-f]{32})", answer.text)))
    assert sorted(found, key=sorted) == [{MASKED}, {TEXT_OPEN}, {SILENT}]


async def test_a_replay_links_its_masks(tenant: Server):
    """The settings of the SDK on the page of a replay lead to the replays with the same ones."""
    await send_replays(tenant)
    answer = await tenant.web.get(f"/projects/{tenant.app.id}/replays/{TEXT_OPEN}")
    assert "mask.text%3Aoff" in answer.text
    assert "Text is not masked by default in this replay." in answer.text


async def test_a_project_without_replays_shows_no_masks(tenant: Server):
    """Without replays there is nothing to say about masks."""
    assert "Masking" not in (await tenant.web.get(f"/projects/{tenant.app.id}")).text
