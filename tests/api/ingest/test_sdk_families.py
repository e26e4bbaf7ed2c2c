"""Recorded traffic of real SDKs over HTTP: the web app shows what they sent."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from tests.support import html_reader, programme_size
from tests.support.html_reader import Element
from tests.support.recorded import contents, delivery, rewriting, samples
from tests.support.servers.server import Server, tenant as tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAMILIES = samples.families()
REPLAYS = [name for name in FAMILIES if contents.conclusions(name).get("replays")]
FILMED = [name for name in REPLAYS if contents.conclusions(name)["replays"][0]["kind"] == "video"]
STORED = {"event", "transaction"}
Delivered = Callable[[str], Awaitable[Server]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def delivered(shared_server: Server) -> AsyncIterator[Delivered]:
    """A tenant to which a family was delivered in order; once for all tests, which only look."""
    tenants: dict[str, Server] = {}
    async with AsyncExitStack() as stack:

        async def of(family: str) -> Server:
            if family not in tenants:
                own = await stack.enter_async_context(tenant_of(shared_server))
                await delivery.deliver_family(own, family)
                tenants[family] = own
            return tenants[family]

        yield of


def said_of(family: str) -> dict[str, Any]:
    """Return what the family's replay amounts to."""
    (replay,) = contents.conclusions(family)["replays"]
    found: dict[str, Any] = replay
    return found


def total(parts: list[dict[str, int]]) -> dict[str, int]:
    """Add up counts."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part)
    return dict(counts)


async def page_of(server: Server, replay_id: str) -> Element:
    """Open the page of a replay."""
    answer = await server.web.get(server.page(replay_id))
    assert answer.status_code == 200
    return html_reader.parse_page(answer.text)


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_item_ends_in_one_counted_outcome(delivered, family):
    """As many outcomes as items, spans of containers and of transactions apart; none refused."""
    tenant = await delivered(family)
    counts = await tenant.outcomes(tenant.app) + await tenant.outcomes(tenant.backend)
    assert [key for key in counts if key[1] == "refused"] == []
    found: Counter[str] = Counter()
    for (item_type, outcome, _), quantity in counts.items():
        # What an SDK says it dropped was in no envelope.
        if outcome != "dropped_by_sdk":
            found[item_type] += quantity
    said = Counter(contents.conclusions(family)["items"])
    # A browser's recording shares the outcome of its event; each streamed span and each record of
    # a log has its own.
    for item_type in ("span", "log", "replay_recording"):
        found.pop(item_type, None)
        said.pop(item_type, None)
    assert found == said


@pytest.mark.parametrize("family", FILMED)
async def test_a_replay_is_what_its_segments_said(delivered, family):
    """Times, frames, sizes, screens and totals, as a decoder and the recording give them."""
    said = said_of(family)
    tenant = await delivered(family)
    found = await tenant.dump(said["replay_id"])
    replay, segments = found["replay"], found["segments"]
    assert [one["segment_id"] for one in segments] == said["segments"]
    without = [one["segment_id"] for one in segments if not one["has_video"]]
    assert without == said["segments_without_video"]
    assert list(found["activity"]["missing"]) == said["missing_segments"]
    assert (replay["starts_ms"], replay["ends_ms"]) == (said["starts_ms"], said["ends_ms"])
    assert replay["frames"] == said["frames"]
    assert replay["video_ms"] == pytest.approx(said["video_ms"], abs=len(segments))
    assert replay["replay_type"] == said["replay_type"]
    assert list(replay["screens"]) == said["urls"]
    for kind in ("breadcrumbs", "touches", "spans"):
        assert total([one[kind] for one in segments]) == said[kind]
    assert replay["breadcrumbs"] == sum(said["breadcrumbs"].values())
    assert replay["taps"] == said["breadcrumbs"].get("ui.tap", 0)
    assert replay["network_requests"] == said["spans"].get("resource.http", 0)
    sizes = {one["segment_id"]: one["size"] for one in segments if one["has_video"]}
    for change in said["sizes"]:
        assert sizes[change["from_segment"]] == tuple(change["size"])
    assert set(sizes.values()) == {tuple(change["size"]) for change in said["sizes"]}


@pytest.mark.parametrize("family", FILMED)
async def test_each_segment_is_what_it_said(delivered, family):
    """Start, end, frames and counts of every segment, as its own request says."""
    tenant = await delivered(family)
    found = await tenant.dump(said_of(family)["replay_id"])
    by_id = {one["segment_id"]: one for one in found["segments"]}
    for request in contents.requests(family):
        for item in request.expect["items"]:
            if item["type"] != "replay_video":
                continue
            stored = by_id[item["segment_id"]]
            assert (stored["starts_ms"], stored["ends_ms"]) == (item["starts_ms"], item["ends_ms"])
            assert stored["breadcrumbs"] == item["breadcrumbs"]
            assert stored["touches"] == item["touches"]
            assert stored["spans"] == item["spans"]
            if item.get("video"):
                assert stored["frames"] == item["video"]["frames"]
                assert stored["bytes"] == item["video"]["bytes"]


@pytest.mark.parametrize("family", REPLAYS)
async def test_what_belongs_to_a_replay_is_linked(delivered, family):
    """Every event and transaction of app and backends, whatever way led to it, and traces."""
    said = said_of(family)
    tenant = await delivered(family)
    found = await tenant.dump(said["replay_id"])
    linked = {event_id for _, event_id in found["errors"]}
    linked |= {event_id for _, event_id in found["transactions"]}
    assert {one["event_id"] for one in said["linked"] if one["type"] in STORED} <= linked
    assert set(said["trace_ids"]) <= set(found["traces"])


@pytest.mark.parametrize("family", REPLAYS)
async def test_issues_and_replays_lead_to_each_other(delivered, family):
    """The issue of each linked error lists the replay, its page plays it; no other issue does."""
    said = said_of(family)
    tenant = await delivered(family)
    linked = (await tenant.dump(said["replay_id"]))["errors"]
    errors = {event_id for _, event_id in linked}
    issues = await tenant.dump_issues()
    leading = [one for one in issues.values() if errors & set(one["events"])]
    others = [one for one in issues.values() if not errors & set(one["events"])]
    assert errors <= {event_id for one in leading for event_id in one["events"]}
    for one in leading:
        assert said["replay_id"] in {replay_id for replay_id, _ in one["replays"]}
    for one in others:
        assert said["replay_id"] not in {replay_id for replay_id, _ in one["replays"]}
    for project, event_id in linked:
        keyed = tenant.app if project == "app" else tenant.backend
        answer = await tenant.web.get(
            f"/projects/{keyed.id}/events/{event_id}", follow_redirects=True
        )
        page = html_reader.parse_page(answer.text)
        (whole,) = page.one("section", "data-preview").all("a")
        assert whole["href"].startswith(tenant.page(said["replay_id"]))


@pytest.mark.parametrize("family", FILMED)
async def test_the_page_shows_what_was_recorded(delivered, family):
    """Rows, counts and times of the page are those of the family."""
    said = said_of(family)
    tenant = await delivered(family)
    found = await tenant.dump(said["replay_id"])
    page = await page_of(tenant, said["replay_id"])
    body = page.one("div", id="replay")
    assert body["data-state"] in {"live", "playing"}
    assert int(body["data-duration-ms"]) == said["duration_ms"]
    videos = [row["data-video"] for row in page.all("tr", "data-video")]
    assert len(videos) == len(said["segments"])
    assert videos.count("playable") == len(said["segments"]) - len(said["segments_without_video"])
    gaps = [
        int(gap["data-end-ms"]) - int(gap["data-start-ms"])
        for gap in page.one("ol", "data-gaps").all("li")
    ]
    trailing = [2_000] if said["segments_without_video"] else []
    assert gaps == [gap["ms"] for gap in said["gaps"]] + trailing
    shown = Counter(
        row.one("span", class_="row-category").text for row in page.all("li", class_="row")
    )
    merged = Counter(category for _, category, _ in found["activity"]["breadcrumbs"])
    assert {name: shown[name] for name in merged} == merged
    assert merged == said["breadcrumbs"]
    assert len(page.one("section", id="network").all("tr", "data-at-ms")) == sum(
        said["spans"].values()
    )
    errors = {row["data-key"] for row in page.all("article", class_="error")}
    assert errors == {event_id for _, event_id in found["errors"]}


@pytest.mark.parametrize("family", REPLAYS)
async def test_the_order_of_delivery_does_not_matter(delivered, tenant, family):
    """Shuffled and in order, a family gives the same replay, and the same issues."""
    replay_id = said_of(family)["replay_id"]
    first = await delivered(family)
    in_order = await first.dump(replay_id)
    await delivery.deliver_family(tenant, family, order=delivery.shuffled(family))
    assert await tenant.dump(replay_id) == in_order
    assert in_order != {}
    assert await tenant.dump_issues() == await first.dump_issues()


@pytest.mark.parametrize("family", FAMILIES)
async def test_other_bytes_of_the_same_sense_change_nothing(delivered, tenant, family):
    """Written anew, as other SDKs and proxies write, a family gives the same replays and issues."""
    dice = programme_size.seeded_dice("rewritten", family)
    for request in contents.requests(family):
        answer = await delivery.deliver(tenant, rewriting.rewritten(request, dice))
        assert answer.status_code == 200, f"{request.name}: {answer.text}"
    await tenant.settled()
    first = await delivered(family)
    assert await tenant.dump_issues() == await first.dump_issues()
    for replay in contents.conclusions(family).get("replays", ()):
        assert await tenant.dump(replay["replay_id"]) == await first.dump(replay["replay_id"])


@pytest.mark.parametrize("family", [name for name in REPLAYS if name not in FILMED])
async def test_browser_replays_are_kept_without_video(delivered, family):
    """They are listed and their page opens; nothing is played."""
    said = said_of(family)
    tenant = await delivered(family)
    found = await tenant.dump(said["replay_id"])
    assert [one["segment_id"] for one in found["segments"]] == said["segments"]
    assert found["replay"]["video_segments"] == 0
    page = await page_of(tenant, said["replay_id"])
    assert len(page.one("section", id="segments").all("tr", "data-video")) == len(said["segments"])
    index = await tenant.web.get(tenant.page(said["replay_id"], "/index"))
    assert index.status_code == 200
    listed = await tenant.web.get("/replays")
    assert said["replay_id"] in listed.text


@pytest.mark.skipif(not FAMILIES, reason="no samples")
async def test_a_segment_that_lost_its_video_keeps_its_notes(delivered):
    """The last segment of an idle replay came without pictures; its time is a gap with a reason."""
    said = said_of("android-idle-a")
    tenant = await delivered("android-idle-a")
    page = await page_of(tenant, said["replay_id"])
    rows = page.all("tr", "data-video")
    assert rows[-1]["data-video"] == "none"
    (gap,) = page.one("ol", "data-gaps").all("li")
    assert (gap["data-start-ms"], gap["data-end-ms"]) == ("25000", "27000")
    assert gap["data-reason"]


@pytest.mark.skipif(not FAMILIES, reason="no samples")
async def test_the_error_of_a_backend_says_where_it_happened(delivered):
    """On the page of a phone's replay it stands with the name of the backend's project."""
    said = said_of("android-session-full-a")
    tenant = await delivered("android-session-full-a")
    page = await page_of(tenant, said["replay_id"])
    (error,) = page.all("article", class_="error", **{"data-source": "backend"})
    assert "CardProcessorTimeout" in error.text
    assert "Backend" in error.one("span", title="Project").text
