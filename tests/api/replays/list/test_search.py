"""Tests of the list of replays: its query, its orders, its pages and its selected rows."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from app.memberships.model import Role
from app.playback import replay_list, replay_search
from app.replays.search import list_queries
from tests.support.browsers import signed_in
from tests.support.builders import envelopes, recordings
from tests.support.builders.people import make_person
from tests.support.builders.wire import STARTED_MS
from tests.support.servers.server import Server, tenant as tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY_MS = 86_400_000
IDS = {name: digit * 32 for name, digit in (("ada", "a"), ("bob", "b"), ("cyd", "c"))}
TRACES = {name: digit * 32 for name, digit in (("ada", "1"), ("bob", "2"), ("cyd", "3"))}
ELSEWHERE = "9" * 32


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(shared_server: Server) -> AsyncIterator[Server]:
    """A server with three replays, which no test changes."""
    async with tenant_of(shared_server) as own:
        yield await _send_replays(own)


@pytest_asyncio.fixture(loop_scope="session")
async def own_shop(tenant: Server) -> Server:
    """A server with the same three replays, which one test may change."""
    return await _send_replays(tenant)


async def _send_replays(server: Server) -> Server:
    """Send replays of an Android app, of an iOS app with errors, and of an app that crashed."""
    ios = {
        "os": {"name": "iOS", "version": "18.2"},
        "device": {"family": "iPhone", "model": "iPhone16,2"},
    }
    await server.take(_segment("ada", screens=["Cart", "Checkout"]))
    await server.take(
        _segment("bob", platform="ios", contexts=ios, tags={"plan": "free", "end": "x"},
                 user={"id": "7", "email": "Bob@Example.com"}, environment="staging"),
        _segment("bob", 1, platform="ios", contexts=ios, events=_failing_events()),
        _error("d", "bob", level="error"), _error("e", "bob", level="error"),
    )  # fmt: skip
    await server.take(_segment("cyd", user={}, duration_ms=9_000), _error("f", "cyd"))
    return server


def _failing_events() -> list[Any]:
    """Make the events of the second segment of bob's replay, with two failed requests."""
    at_ms = STARTED_MS + list(IDS).index("bob") * DAY_MS + 5_000
    failed = recordings.network_span(at_ms + 600, at_ms + 900, statusCode=500)
    return [*recordings.segment_events(1, at_ms), failed, failed]


def _segment(name: str, segment_id: int = 0, **changes) -> bytes:
    """Make a segment of a replay; each began a day after the one before."""
    started_ms = STARTED_MS + list(IDS).index(name) * DAY_MS
    changes["urls"] = changes.pop("screens", ["Cart"])
    return envelopes.replay_video_envelope(
        segment_id,
        replay_id=IDS[name],
        trace_id=TRACES[name],
        replay_started_ms=started_ms,
        **changes,
    )


def _error(digit: str, name: str, *, level: str = "fatal") -> bytes:
    """Make an error of a replay; one that is not fatal was handled."""
    handled = {"type": "generic", "handled": True}
    values = [{"type": "PayError", "value": "no", "mechanism": handled}]
    changes: dict[str, Any] = (
        {} if level == "fatal" else {"exception": {"values": values}, "level": level}
    )
    at_ms = STARTED_MS + list(IDS).index(name) * DAY_MS + 2_000
    return envelopes.event_envelope(
        digit * 32, replay_id=IDS[name], trace_id=ELSEWHERE, at_ms=at_ms, **changes
    )


async def list_names(server: Server, **parameters: str) -> list[str]:
    """Return the names of the people whose replays a list shows, in its order."""
    answer = await server.web.get(f"/replays?{urlencode(parameters)}")
    assert answer.status_code == 200, answer.text
    replay_ids = re.findall(r'class="replay-link" href="[^"]*/([0-9a-f]{32})"', answer.text)
    names = {replay_id: name for name, replay_id in IDS.items()}
    return [names[replay_id] for replay_id in replay_ids]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "ada bob cyd"),
        ("os.name:Android", "ada cyd"),
        ("os.name:android", ""),
        ("os.name:andr*", "ada cyd"),
        ("!os.name:Android", "bob"),
        ('device.model:"Pixel 8"', "ada cyd"),
        ("device.model:[iPhone16\\,2, x]", ""),
        ('device.model:["iPhone16,2", x]', "bob"),
        ("user.email:ada@example.com", "ada"),
        ("user.email:*@EXAMPLE.com", "ada bob"),
        ('user.email:""', "cyd"),
        ("!has:user.email", "cyd"),
        ("has:plan", "ada bob cyd"),
        ("has:video", "ada bob cyd"),
        ("has:screen", "ada bob cyd"),
        ("plan:pro", "ada cyd"),
        ("tags[end]:x", "bob"),
        ("!plan:pro", "bob"),
        ("!nothing:here", "ada bob cyd"),
        ("release:net.example.shop@4.2.0+118", "ada bob cyd"),
        ("release:*@4.2.* environment:staging", "bob"),
        ("sdk.name:sentry.cocoa", "bob"),
        ("platform:java dist:118", "ada cyd"),
        ("screen:Checkout", "ada"),
        ("screen:check*", "ada"),
        ("checkout", "ada"),
        ("pixel", "ada cyd"),
        ("bob@example", "bob"),
        ("100%", ""),
        (IDS["bob"], "bob"),
        (f"id:{IDS['cyd']}", "cyd"),
        ("id:x", ""),
        (f"trace:{TRACES['ada']}", "ada"),
        (f"trace:{ELSEWHERE}", "bob cyd"),
        ("trace:x", ""),
        ("duration:>5s", "bob cyd"),
        ("duration:<=5s", "ada"),
        ("duration:9", "cyd"),
        ("replay_type:session", "ada bob cyd"),
        ("count_segments:2", "bob"),
        ("count_taps:>1", "bob"),
        ("count_failed_requests:>0", "bob"),
        ("count_failures:2", "bob"),
        ("count_screens:>=2", "ada bob"),
        ("count_errors:>0", "bob cyd"),
        ("count_errors:2", "bob"),
        ("!count_errors:>0", "ada"),
        ("count_errors.app:>1 count_errors.backend:0", "bob"),
        ("activity:>=2", "bob cyd"),
        ("end:crashed", "cyd"),
        ("end:c*", "ada bob cyd"),
        ("!end:crashed", "ada bob"),
        ("(plan:pro OR count_errors:2) !end:crashed", "ada bob"),
        ("plan:pro OR count_errors:2", "ada bob cyd"),
        ("!(plan:pro count_errors:0)", "bob cyd"),
        ("os.name:iOS OR screen:Checkout", "ada bob"),
    ],
)  # fmt: skip
async def test_a_query_finds_the_replays_that_match_it(shop: Server, query: str, names: str):
    """Conditions on facts, user, tags, screens, counts, errors and end work alone and together."""
    assert sorted(await list_names(shop, query=query)) == names.split()


async def test_a_query_can_name_the_time_of_a_replay(shop: Server):
    """The condition `started` takes a day, a moment or an age."""
    assert await list_names(shop, query="started:2026-08-07") == ["bob"]
    assert await list_names(shop, query="started:<=2026-08-07") == ["bob", "ada"]
    assert await list_names(shop, query='started:>"2026-08-08T00:00:00+00:00"') == ["cyd"]
    assert await list_names(shop, query="started:>-1d") == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("(", "A condition is missing at character 2"),
        ("duration:long", "`duration` needs a length of time"),
        ("duration:999999999h", "`duration` needs a length of time"),
        ("count_errors:many", "`count_errors` needs a number"),
        ("count_taps:[1, 2]", "`count_taps` needs a number"),
        ("started:soon", "`started` needs a date, a time or an age"),
        ("release:>1", "`release` cannot be compared by `&gt;`"),
        ("end:>x", "`end` cannot be compared by `&gt;`"),
        ("seen:perhaps", "`seen` is `yes` or `no`"),
    ],
)
async def test_an_invalid_query_is_refused_with_the_reason(
    tenant: Server, query: str, message: str
):
    """The answer is 400, and marks the field as invalid."""
    answer = await tenant.web.get(f"/replays?{urlencode({'query': query})}")
    assert answer.status_code == 400
    assert message in answer.text
    assert 'aria-invalid="true"' in answer.text


async def test_the_list_of_replays_has_orders(shop: Server):
    """The list is ordered by receipt, by length or by a count, in both directions."""
    assert await list_names(shop) == ["cyd", "bob", "ada"]
    assert await list_names(shop, sort="oldest") == ["ada", "bob", "cyd"]
    assert await list_names(shop, sort="longest") == ["bob", "cyd", "ada"]
    assert await list_names(shop, sort="shortest") == ["ada", "cyd", "bob"]
    assert await list_names(shop, sort="most_failed_requests") == ["bob", "cyd", "ada"]
    assert await list_names(shop, sort="fewest_failed_requests") == ["ada", "cyd", "bob"]
    assert await list_names(shop, sort="longest", query="plan:pro") == ["cyd", "ada"]
    assert await list_names(shop, sort="unknown") == ["cyd", "bob", "ada"]


async def test_a_column_head_orders_the_list_of_replays(shop: Server):
    """The first click keeps the filters, and the second one reverses the order."""
    project = str(shop.app.id)
    html = (await shop.web.get(f"/replays?query=plan:pro&project={project}")).text
    head = re.search(r'<th scope="col" class="length end"><a class="sorter" href="([^"]+)"', html)
    assert head
    html = (await shop.web.get(head[1].replace("&amp;", "&"))).text
    assert re.findall(r'class="replay-link" href="[^"]*/(\w)', html) == ["c", "a"]
    head = re.search(r'class="length end" aria-sort="descending"><a [^>]*href="([^"]+)"', html)
    assert head
    assert "sort=shortest" in head[1]
    html = (await shop.web.get(head[1].replace("&amp;", "&"))).text
    assert re.findall(r'class="replay-link" href="[^"]*/(\w)', html) == ["a", "c"]
    assert html.count("aria-sort=") == 1


async def test_a_cursor_of_a_list_in_another_order_is_refused(shop: Server):
    """A time is not taken for a length, and the answer says where to go on."""
    html = (await shop.web.get("/replays")).text
    since = re.search(r"since=([\w-]+)", html)
    assert since
    answer = await shop.web.get(f"/replays?sort=longest&after={since[1]}")
    assert answer.status_code == 400
    assert "First page of the list" in answer.text


@pytest.mark.parametrize("sort", ["", "oldest", "longest", "most_failed_requests"])
@pytest.mark.parametrize("query", ["", "release:net*", "activity:>=0"])
async def test_pages_of_the_list_of_replays_lead_on_and_back(
    shop: Server, monkeypatch: pytest.MonkeyPatch, sort: str, query: str
):
    """On pages of one row, links lead forward through all replays, and back again."""
    monkeypatch.setattr(replay_list, "PAGE_ROWS", 1)
    first_page = await list_names(shop, sort=sort, query=query)
    href, visited_ids = f"/replays?{urlencode({'sort': sort, 'query': query})}", []
    for relation in ("next", "next", "prev", "prev", None):
        html = (await shop.web.get(href)).text
        visited_ids += re.findall(r'class="replay-link" href="[^"]*/([0-9a-f]{32})"', html)
        if relation:
            link = re.search(rf'href="([^"]+)" rel="{relation}"', html)
            assert link, (relation, visited_ids)
            href = link[1].replace("&amp;", "&")
    assert sorted(visited_ids[:3]) == sorted(IDS.values())
    assert visited_ids == [*visited_ids[:3], visited_ids[1], visited_ids[0]]
    assert len(first_page) == 1


async def test_a_long_search_says_how_far_it_looked(shop: Server, monkeypatch: pytest.MonkeyPatch):
    """A search stops within its budget, and goes on from there on request."""
    monkeypatch.setattr(replay_search, "_FIRST_ROWS", 1)
    monkeypatch.setattr(replay_search, "_MORE_ROWS", 1)
    html = (await shop.web.get("/replays?query=screen:Check*")).text
    assert "Nothing found so far" in html
    steps = 0
    while "replay-link" not in html:
        further = re.search(r'data-kind="main" href="([^"]+)">Search further', html)
        assert further
        html = (await shop.web.get(further[1].replace("&amp;", "&"))).text
        steps += 1
    assert steps == 2


@pytest.mark.parametrize(
    ("sort", "first_step"),
    [
        ("", r"None of the replays back to <time [^<]+</time> matches. Older ones have not"),
        ("oldest", r"None of the replays up to <time [^<]+</time> matches. Newer ones have not"),
        ("longest", r">0:10</span> or longer matches. Shorter ones have not"),
        (
            "most_failed_requests",
            r"with <span [^>]*>\d+</span> or more failed requests matches. Those with fewer",
        ),
    ],
)
async def test_a_search_says_how_far_it_looked_in_the_unit_of_its_order(
    shop: Server, monkeypatch: pytest.MonkeyPatch, sort: str, first_step: str
):
    """A list by length stops at a length, never at a moment in 1970."""
    for name in ("_FIRST_ROWS", "_MORE_ROWS", "_MOST_TRIED", "_BATCH"):
        monkeypatch.setattr(replay_search, name, 1)
    html = (await shop.web.get(f"/replays?query=count_errors:>99&sort={sort}")).text
    assert "1970" not in html
    assert re.search(first_step, html)
    further = re.search(r'data-kind="main" href="([^"]+)">Search further', html)
    assert further
    html = (await shop.web.get(further[1].replace("&amp;", "&"))).text
    assert "Nothing found so far" in html


async def test_rare_facts_are_found_however_old(shop: Server, monkeypatch: pytest.MonkeyPatch):
    """The index finds replays beyond the first rows, unless too many have the same fact."""
    monkeypatch.setattr(replay_search, "_FIRST_ROWS", 1)
    monkeypatch.setattr(replay_search, "_MORE_ROWS", 1)
    assert await list_names(shop, query="user.email:ada@example.com") == ["ada"]
    assert await list_names(shop, query="user.email:ada@example.com plan:pro !os.name:iOS") == [
        "ada"
    ]
    monkeypatch.setattr(list_queries, "_RARE", 0)
    assert await list_names(shop, query="user.email:ada@example.com") == []


@pytest.mark.parametrize("query", ["count_errors:2", "end:crashed", "seen:no"])
async def test_a_condition_without_an_index_is_not_taken_for_a_tag(
    own_shop: Server, monkeypatch: pytest.MonkeyPatch, query: str
):
    """A condition that is checked row by row finds replays beyond the first rows, too."""
    names = await list_names(own_shop, query=query)
    assert names
    monkeypatch.setattr(replay_search, "_FIRST_ROWS", 1)
    monkeypatch.setattr(replay_search, "_MORE_ROWS", 1)
    html, visited_ids = (await own_shop.web.get(f"/replays?query={query}")).text, []
    while True:
        visited_ids += re.findall(r'class="replay-link" href="[^"]*/([0-9a-f]{32})"', html)
        further = re.search(r'href="([^"]+)">Search further', html)
        if further is None:
            break
        html = (await own_shop.web.get(further[1].replace("&amp;", "&"))).text
    assert visited_ids == [IDS[name] for name in names]


async def test_the_list_and_the_page_of_a_replay_count_errors_alike(shop: Server):
    """The number that the list filters by is the number that the page shows."""
    html = (await shop.web.get("/replays?query=count_errors:2")).text
    assert "2 app" in html
    replay = (await shop.web.get(shop.page(IDS["bob"]))).text
    assert re.search(r'data-count="errors">2<', replay)


async def test_a_condition_of_a_query_can_be_removed(shop: Server):
    """Each chip links to the list without its condition."""
    html = (await shop.web.get("/replays?query=plan:pro+screen:Cart&sort=oldest")).text
    assert re.findall(r'chip-off" href="([^"]+)"', html) == [
        "/replays?query=screen%3ACart&amp;sort=oldest",
        "/replays?query=plan%3Apro&amp;sort=oldest",
    ]


async def test_replays_that_a_person_opened_or_marked_count_as_seen(own_shop: Server):
    """The query `seen:yes` finds the opened and the marked replay, and `seen:no` the third one."""
    await own_shop.web.get(own_shop.page(IDS["ada"]))
    marked = await own_shop.web.post(
        "/replays/selected",
        data={"replay": [f"{own_shop.app.id}/{IDS['bob']}"], "back": "/replays?sort=oldest"},
    )
    assert marked.headers["location"] == "/replays?sort=oldest&done=marked-seen&count=1"
    assert "1 replay marked as seen." in (await own_shop.web.get(marked.headers["location"])).text
    assert await list_names(own_shop, query="seen:yes", sort="oldest") == ["ada", "bob"]
    assert await list_names(own_shop, query="seen:no") == ["cyd"]


async def test_selected_replays_are_deleted_after_a_question(own_shop: Server):
    """The first form asks, and the confirmed one erases the replays as any deletion does."""
    selected = [f"{own_shop.app.id}/{IDS[name]}" for name in ("ada", "cyd")]
    question = await own_shop.web.post("/replays/selected/delete", data={"replay": selected})
    assert "Delete 2 replays?" in question.text
    assert len(await list_names(own_shop)) == 3
    deletion = await own_shop.web.post(
        "/replays/selected/delete", data={"replay": [*selected, selected[0]], "sure": "yes"}
    )
    assert deletion.status_code == 303
    assert await list_names(own_shop) == ["bob"]
    assert (await own_shop.web.get(own_shop.page(IDS["ada"]))).status_code == 410
    repeated_deletion = await own_shop.web.post(
        "/replays/selected/delete", data={"replay": selected}
    )
    assert repeated_deletion.status_code == 404


@pytest.mark.parametrize("where", ["", "/delete"])
@pytest.mark.parametrize(
    "selected", [[], ["1"], ["x/" + "a" * 32], ["1/x"], ["9" * 20 + "/" + "a" * 32]]
)
async def test_a_made_up_selection_is_refused(tenant: Server, where: str, selected: list[str]):
    """A selection that no list can send gets 400."""
    answer = await tenant.web.post(f"/replays/selected{where}", data={"replay": selected})
    assert answer.status_code == 400


async def test_viewers_mark_replays_as_seen_and_do_not_delete_them(own_shop: Server):
    """People who are not members get 404 for either form."""
    selected = {"replay": [f"{own_shop.app.id}/{IDS['ada']}"]}
    person = await make_person(own_shop.database, f"{own_shop.app.id}@example.org")
    async with signed_in(own_shop, person) as browser:
        assert (await browser.post("/replays/selected", data=selected)).status_code == 404
    async with signed_in(own_shop, person, role=Role.VIEWER) as browser:
        assert (await browser.post("/replays/selected", data=selected)).status_code == 303
        assert (await browser.post("/replays/selected/delete", data=selected)).status_code == 404
        assert "Delete…" not in (await browser.get("/replays")).text
    assert "Delete…" in (await own_shop.web.get("/replays")).text
    assert len(await list_names(own_shop, query="seen:no")) == 3
