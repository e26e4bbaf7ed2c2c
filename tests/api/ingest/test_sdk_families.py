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
TenantWithFamily = Callable[[str], Awaitable[Server]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tenant_with(shared_server: Server) -> AsyncIterator[TenantWithFamily]:
    """Offer a function that delivers a family in order, once for all tests, which only read."""
    tenants: dict[str, Server] = {}
    async with AsyncExitStack() as stack:

        async def deliver_once(family: str) -> Server:
            if family not in tenants:
                own = await stack.enter_async_context(tenant_of(shared_server))
                await delivery.deliver_family(own, family)
                tenants[family] = own
            return tenants[family]

        yield deliver_once


def read_conclusions(family: str) -> dict[str, Any]:
    """Return the conclusions about the replay of a family."""
    (replay,) = contents.conclusions(family)["replays"]
    conclusions: dict[str, Any] = replay
    return conclusions


def add_counts(parts: list[dict[str, int]]) -> dict[str, int]:
    """Add up counts."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part)
    return dict(counts)


async def open_replay_page(server: Server, replay_id: str) -> Element:
    """Open the page of a replay."""
    answer = await server.web.get(server.page(replay_id))
    assert answer.status_code == 200
    return html_reader.parse_page(answer.text)


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_recorded_item_ends_in_one_counted_outcome(tenant_with, family):
    """There are as many outcomes as items, apart from spans and logs, and none is refused."""
    tenant = await tenant_with(family)
    counts = await tenant.outcomes(tenant.app) + await tenant.outcomes(tenant.backend)
    assert [key for key in counts if key[1] == "refused"] == []
    counted: Counter[str] = Counter()
    for (item_type, outcome, _), quantity in counts.items():
        # Items that an SDK says it dropped were in no envelope.
        if outcome != "dropped_by_sdk":
            counted[item_type] += quantity
    expected = Counter(contents.conclusions(family)["items"])
    # A browser's recording shares the outcome of its event; each streamed span and each record of
    # a log has its own.
    for item_type in ("span", "log", "replay_recording"):
        counted.pop(item_type, None)
        expected.pop(item_type, None)
    assert counted == expected


@pytest.mark.parametrize("family", FILMED)
async def test_a_stored_replay_agrees_with_its_segments(tenant_with, family):
    """Times, frames, sizes, screens and totals are those of a decoder and of the recording."""
    expected = read_conclusions(family)
    tenant = await tenant_with(family)
    dump = await tenant.dump(expected["replay_id"])
    replay, segments = dump["replay"], dump["segments"]
    assert [segment["segment_id"] for segment in segments] == expected["segments"]
    without = [segment["segment_id"] for segment in segments if not segment["has_video"]]
    assert without == expected["segments_without_video"]
    assert list(dump["activity"]["missing"]) == expected["missing_segments"]
    assert (replay["starts_ms"], replay["ends_ms"]) == (expected["starts_ms"], expected["ends_ms"])
    assert replay["frames"] == expected["frames"]
    assert replay["video_ms"] == pytest.approx(expected["video_ms"], abs=len(segments))
    assert replay["replay_type"] == expected["replay_type"]
    assert list(replay["screens"]) == expected["urls"]
    for kind in ("breadcrumbs", "touches", "spans"):
        assert add_counts([segment[kind] for segment in segments]) == expected[kind]
    assert replay["breadcrumbs"] == sum(expected["breadcrumbs"].values())
    assert replay["taps"] == expected["breadcrumbs"].get("ui.tap", 0)
    assert replay["network_requests"] == expected["spans"].get("resource.http", 0)
    sizes = {segment["segment_id"]: segment["size"] for segment in segments if segment["has_video"]}
    for change in expected["sizes"]:
        assert sizes[change["from_segment"]] == tuple(change["size"])
    assert set(sizes.values()) == {tuple(change["size"]) for change in expected["sizes"]}


@pytest.mark.parametrize("family", FILMED)
async def test_each_stored_segment_agrees_with_its_request(tenant_with, family):
    """Start, end, frames and counts of every segment are those of its own request."""
    tenant = await tenant_with(family)
    dump = await tenant.dump(read_conclusions(family)["replay_id"])
    by_id = {segment["segment_id"]: segment for segment in dump["segments"]}
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
async def test_events_and_transactions_of_a_replay_are_linked_to_it(tenant_with, family):
    """Events of app and backends are linked whatever way leads to the replay, as are traces."""
    expected = read_conclusions(family)
    tenant = await tenant_with(family)
    dump = await tenant.dump(expected["replay_id"])
    linked = {event_id for _, event_id in dump["errors"]}
    linked |= {event_id for _, event_id in dump["transactions"]}
    assert {link["event_id"] for link in expected["linked"] if link["type"] in STORED} <= linked
    assert set(expected["trace_ids"]) <= set(dump["traces"])


@pytest.mark.parametrize("family", REPLAYS)
async def test_issues_and_replays_link_to_each_other(tenant_with, family):
    """The issue of each linked error lists the replay and plays it; no other issue lists it."""
    expected = read_conclusions(family)
    tenant = await tenant_with(family)
    linked = (await tenant.dump(expected["replay_id"]))["errors"]
    errors = {event_id for _, event_id in linked}
    issues = await tenant.dump_issues()
    linking = [issue for issue in issues.values() if errors & set(issue["events"])]
    others = [issue for issue in issues.values() if not errors & set(issue["events"])]
    assert errors <= {event_id for issue in linking for event_id in issue["events"]}
    for issue in linking:
        assert expected["replay_id"] in {replay_id for replay_id, _ in issue["replays"]}
    for issue in others:
        assert expected["replay_id"] not in {replay_id for replay_id, _ in issue["replays"]}
    for project, event_id in linked:
        keyed = tenant.app if project == "app" else tenant.backend
        answer = await tenant.web.get(
            f"/projects/{keyed.id}/events/{event_id}", follow_redirects=True
        )
        page = html_reader.parse_page(answer.text)
        links = page.one("section", "data-preview").all("a")
        assert len(links) == 2, "one opens the replay, one hands a part of it on"
        for link in links:
            assert link["href"].startswith(tenant.page(expected["replay_id"]))


@pytest.mark.parametrize("family", FILMED)
async def test_the_page_shows_what_was_recorded(tenant_with, family):
    """Rows, counts and times of the page are those of the recorded family."""
    expected = read_conclusions(family)
    tenant = await tenant_with(family)
    dump = await tenant.dump(expected["replay_id"])
    page = await open_replay_page(tenant, expected["replay_id"])
    body = page.one("div", id="replay")
    assert body["data-state"] in {"live", "playing"}
    assert int(body["data-duration-ms"]) == expected["duration_ms"]
    videos = [row["data-video"] for row in page.all("tr", "data-video")]
    assert len(videos) == len(expected["segments"])
    assert videos.count("playable") == len(expected["segments"]) - len(
        expected["segments_without_video"]
    )
    gaps = [
        int(gap["data-end-ms"]) - int(gap["data-start-ms"])
        for gap in page.one("ol", "data-gaps").all("li")
    ]
    trailing = [2_000] if expected["segments_without_video"] else []
    assert gaps == [gap["ms"] for gap in expected["gaps"]] + trailing
    shown_rows = Counter(
        row.one("span", class_="row-category").text for row in page.all("li", class_="row")
    )
    merged = Counter(category for _, category, _ in dump["activity"]["breadcrumbs"])
    assert {name: shown_rows[name] for name in merged} == merged
    assert merged == expected["breadcrumbs"]
    assert len(page.one("section", id="network").all("tr", "data-at-ms")) == sum(
        expected["spans"].values()
    )
    errors = {row["data-key"] for row in page.all("article", class_="error")}
    assert errors == {event_id for _, event_id in dump["errors"]}


@pytest.mark.parametrize("family", REPLAYS)
async def test_the_order_of_delivery_does_not_matter(tenant_with, tenant, family):
    """Delivered in order or shuffled, a family gives the same replay and the same issues."""
    replay_id = read_conclusions(family)["replay_id"]
    first = await tenant_with(family)
    in_order = await first.dump(replay_id)
    await delivery.deliver_family(tenant, family, order=delivery.shuffled(family))
    assert await tenant.dump(replay_id) == in_order
    assert in_order != {}
    assert await tenant.dump_issues() == await first.dump_issues()


@pytest.mark.parametrize("family", FAMILIES)
async def test_another_serialization_of_a_family_changes_nothing(tenant_with, tenant, family):
    """Requests written as other SDKs and proxies write them give the same replays and issues."""
    dice = programme_size.seeded_dice("rewritten", family)
    for request in contents.requests(family):
        answer = await delivery.deliver(tenant, rewriting.rewritten(request, dice))
        assert answer.status_code == 200, f"{request.name}: {answer.text}"
    await tenant.settled()
    first = await tenant_with(family)
    assert await tenant.dump_issues() == await first.dump_issues()
    for replay in contents.conclusions(family).get("replays", ()):
        assert await tenant.dump(replay["replay_id"]) == await first.dump(replay["replay_id"])


@pytest.mark.parametrize("family", [name for name in REPLAYS if name not in FILMED])
async def test_browser_replays_are_kept_without_video(tenant_with, family):
    """The replay is listed and its page opens, but nothing is played."""
    expected = read_conclusions(family)
    tenant = await tenant_with(family)
    dump = await tenant.dump(expected["replay_id"])
    assert [segment["segment_id"] for segment in dump["segments"]] == expected["segments"]
    assert dump["replay"]["video_segments"] == 0
    page = await open_replay_page(tenant, expected["replay_id"])
    assert len(page.one("section", id="segments").all("tr", "data-video")) == len(
        expected["segments"]
    )
    index = await tenant.web.get(tenant.page(expected["replay_id"], "/index"))
    assert index.status_code == 200
    list_page = await tenant.web.get("/replays")
    assert expected["replay_id"] in list_page.text


@pytest.mark.skipif(not FAMILIES, reason="no samples")
async def test_a_segment_without_video_makes_a_gap_with_a_reason(tenant_with):
    """The last segment of an idle replay came without pictures, and its time is a gap."""
    expected = read_conclusions("android-idle-a")
    tenant = await tenant_with("android-idle-a")
    page = await open_replay_page(tenant, expected["replay_id"])
    rows = page.all("tr", "data-video")
    assert rows[-1]["data-video"] == "none"
    (gap,) = page.one("ol", "data-gaps").all("li")
    assert (gap["data-start-ms"], gap["data-end-ms"]) == ("25000", "27000")
    assert gap["data-reason"]


@pytest.mark.skipif(not FAMILIES, reason="no samples")
async def test_the_error_of_a_backend_has_the_name_of_its_project(tenant_with):
    """The page of a phone's replay shows the error with the backend's project."""
    expected = read_conclusions("android-session-full-a")
    tenant = await tenant_with("android-session-full-a")
    page = await open_replay_page(tenant, expected["replay_id"])
    (error,) = page.all("article", class_="error", **{"data-source": "backend"})
    assert "CardProcessorTimeout" in error.text
    assert "Backend" in error.one("span", title="Project").text
