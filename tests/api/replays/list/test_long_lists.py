"""Tests of replays that have more errors, logs and spans than a page shows."""

import re
import uuid
from collections.abc import AsyncIterator
from html import unescape

import pytest
import pytest_asyncio

from app.accounts import writes as account_writes
from app.audit import writes as audit
from app.core.ids import ReplayId
from app.formats.stored import packed_json
from app.issues.events import replay_events, trace_events
from app.playback.recording import recorded_segments
from app.replays import queries
from app.replays.model import ReplayKey
from app.web.frame import trace_parts
from tests.support.builders import envelopes, long_replays, payloads, recordings
from tests.support.builders.wire import REPLAY_ID, STARTED_MS, TRACE_ID
from tests.support.servers.server import Server, tenant as tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

APP_ERRORS = 2_100
SPANS = 12 * 951


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def error_server(shared_server: Server) -> AsyncIterator[Server]:
    """A server with a replay of thousands of handled errors, a hang, a backend error, a crash."""
    async with tenant_of(shared_server) as own:
        await own.take(
            envelopes.replay_video_envelope(0),
            *long_replays.handled_errors(APP_ERRORS),
            long_replays.hang(),
            long_replays.crash(),
        )
        await own.take(long_replays.backend_error(), project=own.backend)
        yield own


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def trace_server(shared_server: Server) -> AsyncIterator[Server]:
    """A server with a replay whose trace has more spans than a page reads."""
    async with tenant_of(shared_server) as own:
        await own.take(envelopes.replay_video_envelope(0), *long_replays.transactions(12, 950))
        yield own


def shown_error_ids(html: str) -> list[str]:
    """Return the ids of the errors that a page describes, in its order."""
    return re.findall(r'<article class="error" id="error-([0-9a-f]{32})"', html)


def row_numbers(html: str, word: str) -> list[int]:
    """Return the numbers N of the rows that a page calls `<word> N`."""
    return [int(number) for number in re.findall(rf"<bdi>{word} (\d+)</bdi>", html)]


def next_part(html: str, panel: str) -> str | None:
    """Return the address of the next part of a list, or None after the last part."""
    link = re.search(rf'href="([^"]+)" data-next-part="{panel}"', html)
    return unescape(link[1]) if link else None


async def test_list_and_page_count_every_error(error_server: Server):
    """The list, the page and the question before a deletion show one number of errors."""
    list_html = (await error_server.web.get("/replays")).text
    page = (await error_server.web.get(error_server.page(REPLAY_ID))).text
    for html in (list_html, page):
        assert "2,102 app" in html
        assert "1 backend" in html
    assert re.search(r'data-count="errors">2,103<', page)
    question = (await error_server.web.get(error_server.page(REPLAY_ID, "/delete"))).text
    for html in (page, question):
        assert "2,103 linked errors stay" in html


async def test_a_crash_after_thousands_of_errors_is_still_the_end_of_a_replay(
    error_server: Server,
):
    """The list and the page both say that the replay crashed."""
    list_html = (await error_server.web.get("/replays")).text
    page = (await error_server.web.get(error_server.page(REPLAY_ID))).text
    assert "crashed" in list_html
    assert "Ended: crashed" in page


async def test_the_most_important_errors_are_always_shown(error_server: Server):
    """Crash, hang and backend error are among the first 1,000, though they came last."""
    page = (await error_server.web.get(error_server.page(REPLAY_ID))).text
    error_ids = shown_error_ids(page)
    assert len(error_ids) == 1_000
    assert {long_replays.CRASH_ID, long_replays.HANG_ID, long_replays.BACKEND_ID} <= set(error_ids)
    assert "Showing the first 1,000 of 2,103 errors" in page


async def test_every_error_of_a_replay_can_be_read(error_server: Server):
    """Links lead from part to part; together the parts hold every error once."""
    html = (await error_server.web.get(error_server.page(REPLAY_ID))).text
    error_ids = shown_error_ids(html)
    parts = []
    while href := next_part(html, "errors"):
        answer = await error_server.web.get(href)
        assert answer.status_code == 200, answer.text
        html = answer.text
        parts.append(len(shown_error_ids(html)))
        error_ids += shown_error_ids(html)
    assert parts == [1_000, 103]
    assert len(error_ids) == len(set(error_ids)) == APP_ERRORS + 3
    assert "Showing errors 2,001 to 2,103 of 2,103" in html


async def test_a_trace_marks_the_errors_that_matter_most(error_server: Server):
    """The page says how many errors it marks, and links to the page that marks the next ones."""
    html = (await error_server.web.get(f"/traces/{TRACE_ID}")).text
    assert "Showing the first 1,000 of 2,103 errors" in html
    titles = re.findall(r'<li><svg class="mark"[^>]*>.*?<a [^>]*>([^<]+)</a></li>', html, re.DOTALL)
    assert [title.partition(":")[0] for title in titles[:4]] == [
        "IllegalStateException", "IllegalStateException", "AppHang", "PayError",
    ]  # fmt: skip
    numbers = []
    while href := next_part(html, ""):
        html = (await error_server.web.get(href)).text
        numbers += re.findall(r"Showing errors ([\d,]+) to ([\d,]+) of 2,103", html)
    assert numbers == [("1,001", "2,000"), ("2,001", "2,103")]


async def test_errors_of_a_trace_beyond_the_ranked_ones_can_be_read(
    error_server: Server, monkeypatch: pytest.MonkeyPatch
):
    """Links lead to the errors of the next stretch of time, each error once."""
    monkeypatch.setattr(trace_events, "MOST_RANKED", 1_500)
    address: str | None = f"/traces/{TRACE_ID}"
    texts, error_ids = [], []
    while address:
        html = (await error_server.web.get(address)).text
        texts += re.findall(r"Showing (?:errors )?([^<]*?)(?: errors)?[.] Crashes", html)
        error_ids += re.findall(r'(?s)<li><svg class="mark"[^>]*>.*?/events/([0-9a-f]{32})"', html)
        address = next_part(html, "")
    assert ["".join(groups) for groups in texts] == [
        "the first 1,000 of more than 1,500",
        "1,001 to 1,500 of more than 1,500",
        "1,501 to 2,103 of 2,103",
    ]
    assert len(error_ids) == len(set(error_ids)) == APP_ERRORS + 3


async def test_errors_that_name_a_replay_are_ranked_in_stretches(
    error_server: Server, monkeypatch: pytest.MonkeyPatch
):
    """List and page count no further than one stretch, but every error can be read."""
    monkeypatch.setattr(replay_events, "MOST_NAMED", 1_500)
    list_html = (await error_server.web.get("/replays")).text
    html = (await error_server.web.get(error_server.page(REPLAY_ID))).text
    for page in (list_html, html):
        assert "at least 1,500 app" in page
        assert "at least 1 backend" in page
    texts, error_ids = [], shown_error_ids(html)
    while True:
        texts += re.findall(r"Showing (?:errors )?([^<]*?)(?: errors)?[.] Crashes", html)
        href = next_part(html, "errors")
        if href is None:
            break
        html = (await error_server.web.get(href)).text
        error_ids += shown_error_ids(html)
    assert texts == [
        "the first 1,000 of more than 1,501",
        "1,001 to 1,501 of more than 1,501",
        "1,502 to 2,103 of 2,103",
    ]
    assert len(error_ids) == len(set(error_ids)) == APP_ERRORS + 3


async def test_every_log_record_can_be_read(tenant: Server):
    """The tab counts all records, and links lead from part to part."""
    await tenant.take(envelopes.replay_video_envelope(0), *long_replays.log_records(4_500))
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert 'data-count="logs">4,500<' in html
    assert "Showing the first 2,000 of 4,500 log records" in html
    assert "Next 2,000 log records" in html
    parts = [row_numbers(html, "record")]
    while href := next_part(html, "logs"):
        html = (await tenant.web.get(href)).text
        parts.append(row_numbers(html, "record"))
    assert [len(part) for part in parts] == [2_000, 2_000, 500]
    assert [number for part in parts for number in part] == list(range(4_500))
    assert "Showing log records 4,001 to 4,500 of 4,500" in html


async def test_every_span_of_a_replay_can_be_read(trace_server: Server):
    """The panel says that it shows a part and links to the next one; transactions stay whole."""
    server = trace_server
    html = (await server.web.get(server.page(REPLAY_ID))).text
    assert f'data-count="trace">{SPANS:,}<' in html
    assert f"Showing the first 5,706 of about {SPANS:,} spans" in html
    href = next_part(html, "trace")
    assert href
    next_html = (await server.web.get(href)).text
    assert f"Showing spans 5,707 to {SPANS:,} of about {SPANS:,}" in next_html
    assert next_part(next_html, "trace") is None
    link = re.search(r'href="([^"]+)" data-more', next_html)
    assert link
    steps = row_numbers(next_html, "step") + row_numbers(
        (await server.web.get(unescape(link[1]))).text, "step"
    )
    # Of 600 rows the first is the root of its transaction.
    assert len(steps) == len(set(steps)) == 599
    assert min(steps) == 5_700


async def test_every_span_of_a_trace_can_be_read(
    trace_server: Server, monkeypatch: pytest.MonkeyPatch
):
    """The page of a trace reads 10,000 spans, and links to a page with the others."""
    monkeypatch.setattr(trace_parts, "MORE_SPANS", 20_000)
    html = (await trace_server.web.get(f"/traces/{TRACE_ID}")).text
    assert f"Showing the first 10,461 of about {SPANS:,} spans" in html
    steps = row_numbers(html, "step")
    href = next_part(html, "")
    assert href
    html = (await trace_server.web.get(href)).text
    assert next_part(html, "") is None
    assert sorted(steps + row_numbers(html, "step")) == list(range(12 * 950))


@pytest.mark.parametrize("panel", ["activity", "network"])
async def test_every_row_of_a_recording_can_be_read(tenant: Server, panel: str):
    """A panel shows 3,000 rows, and links to a page with the others."""
    events = {"activity": long_replays.notes, "network": long_replays.requests}[panel](3_400)
    await tenant.take(envelopes.replay_video_envelope(0, events=[recordings.meta(), *events]))
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert f'data-count="{panel}">3,400<' in html
    noun = {"activity": "row", "network": "request"}[panel]
    assert f"Showing the first 3,000 of 3,400 {noun}s" in html
    href = next_part(html, panel)
    assert href
    next_html = (await tenant.web.get(href)).text
    assert f"Showing {noun}s 3,001 to 3,400 of 3,400" in next_html
    row_pattern = {"activity": "note (3[0-9]{3})<", "network": 'requests/(3[0-9]{3})"'}[panel]
    assert sorted({int(number) for number in re.findall(row_pattern, next_html)}) == list(
        range(3_000, 3_400)
    )


async def test_large_recordings_can_be_read_in_parts(
    tenant: Server, monkeypatch: pytest.MonkeyPatch
):
    """A link reads the recordings and touches from the next segment on."""
    for number in range(3):
        crumb = recordings.breadcrumb("cart", STARTED_MS + number * 5_000, message=f"note {number}")
        await tenant.take(envelopes.replay_video_envelope(number, events=[crumb]))
    key = ReplayKey(tenant.app.id, ReplayId(REPLAY_ID))
    async with tenant.database.reading() as connection:
        replay = await queries.find_replay(connection, key)
        assert replay is not None
        first, *_ = await recorded_segments.read_rows(connection, replay)
    assert first.recording is not None
    monkeypatch.setattr(
        recorded_segments, "MOST_BYTES", packed_json.read_first_text_bytes(first.recording)
    )
    address: str | None = tenant.page(REPLAY_ID)
    notes, texts, gestures = [], [], []
    while address:
        html = (await tenant.web.get(address)).text
        notes.append(row_numbers(html, "note"))
        texts += re.findall(r"Recordings ([^<]*?) are not shown", html)
        gestures += re.findall(r'data-gestures-url="([^"]+)"', html)
        following = re.search(r'href="([^"]+)" data-next-recordings', html)
        address = unescape(following[1]) if following else None
    assert notes == [[0], [1], [2]]
    assert texts == ["from 0:05 on", "before 0:05 and from 0:10 on", "before 0:10"]
    assert gestures[1] == tenant.page(REPLAY_ID, "/gestures?from_segment=1")
    assert (await tenant.web.get(gestures[1])).status_code == 200


async def test_every_segment_that_never_arrived_is_named(tenant: Server):
    """The first 200 missing segments have a row each, and a sentence names the others."""
    await tenant.take(
        envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(300, video=None)
    )
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert 'data-count="segments">301<' in html
    assert html.count('data-video="missing"') == 200
    assert "99 more segments never arrived: 201 to 299." in html
    why_page = (await tenant.web.get(f"/why?id={REPLAY_ID}")).text
    assert "1 to 299" in why_page


async def test_links_to_requests_name_the_segment_that_reading_began_with(tenant: Server):
    """Requests are numbered from that segment on, on their pages and in the HAR file."""
    for number, name in enumerate(("first", "second")):
        at_ms = STARTED_MS + number * 5_000
        url = f"https://api.example.net/{name}"
        span = recordings.network_span(at_ms, at_ms + 240, url=url)
        await tenant.take(envelopes.replay_video_envelope(number, events=[span]))
    html = (await tenant.web.get(tenant.page(REPLAY_ID, "?from_segment=1"))).text
    request_path = tenant.page(REPLAY_ID, "/requests/0?from_segment=1")
    assert f'href="{request_path}"' in html
    request_html = (await tenant.web.get(request_path)).text
    assert "https://api.example.net/second" in request_html
    back = re.search(r'href="([^"]+)#request-0"', request_html)
    assert back
    assert unescape(back[1]) == tenant.page(REPLAY_ID, "?t=5&from_segment=1&tab=network")
    (file,) = re.findall(r'href="([^"]*requests\.har[^"]*)"', html)
    entries = (await tenant.web.get(unescape(file))).json()["log"]["entries"]
    assert [entry["request"]["url"] for entry in entries] == ["https://api.example.net/second"]


async def test_a_part_of_a_list_needs_access_to_its_replay(error_server: Server, tenant: Server):
    """A made-up cursor gets 400; an unknown replay and one of another project get 404."""
    for panel in ("errors", "logs", "trace", "activity", "network", "feedback", "viewers"):
        part = error_server.page(REPLAY_ID, f"/{panel}")
        assert (await error_server.web.get(part)).status_code == 200
        if panel in {"errors", "logs", "trace"}:
            assert (await error_server.web.get(f"{part}?after=x")).status_code == 400
        assert (
            await error_server.web.get(error_server.page("e" * 32, f"/{panel}"))
        ).status_code == 404
        assert (await tenant.web.get(part)).status_code == 404


async def test_every_viewer_of_a_replay_can_be_read(tenant: Server):
    """The header counts all viewers, names 50 and links to the others."""
    await tenant.take(envelopes.replay_video_envelope(0))
    async with tenant.database.transaction() as connection:
        for number in range(60):
            person = await account_writes.add_person(
                connection, f"{uuid.uuid4().hex}@example.com", name=f"Viewer {number}."
            )
            await audit.add_replay_view(
                connection, person.id, tenant.app.id, replay_id=ReplayId(REPLAY_ID)
            )
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert 'Seen by </span>61<span class="unseen"> people' in html
    assert "Showing the first 50 of 61 viewers." in html
    href = next_part(html, "")
    assert href
    next_html = (await tenant.web.get(href)).text
    assert "Showing viewers 51 to 61 of 61." in next_html
    assert sorted(map(int, re.findall(r"<bdi>Viewer (\d+)[.]", html + next_html))) == list(
        range(60)
    )


async def test_all_feedback_of_a_replay_can_be_read(tenant: Server):
    """The activity has the first 1,000 messages, and links to the others."""
    await tenant.take(envelopes.replay_video_envelope(0))
    for number in range(1_100):
        header = envelopes.envelope_header(event_id=uuid.uuid4().hex)
        feedback = envelopes.envelope(header, envelopes.feedback_item(f"it fails: {number}."))
        assert (await tenant.post(feedback)).status_code == 200
    await tenant.settled()
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert "Showing the first 1,000 of 1,100 feedback messages." in html
    href = next_part(html, "")
    assert href
    next_html = (await tenant.web.get(href)).text
    assert "Showing feedback messages 1,001 to 1,100 of 1,100." in next_html
    numbers = re.findall(r"<bdi>it fails: (\d+)[.]", html + next_html)
    assert sorted(map(int, numbers)) == list(range(1_100))


async def test_the_timeline_gets_the_bars_of_every_backend(tenant: Server):
    """Each span that a page reads has a bar: the number of bars has no limit of its own."""
    await tenant.take(envelopes.replay_video_envelope(0))
    for number in range(3):
        spans = [
            payloads.span(
                "db",
                "select",
                STARTED_MS + place,
                span_id=f"{number * 1_000 + place + 1:016x}",
                parent_span_id="f" * 16,
            )
            for place in range(900)
        ]
        transaction = envelopes.transaction_envelope(
            f"{number + 1:032x}",
            platform="python",
            span_id=f"{9_000 + number:016x}",
            started_ms=STARTED_MS,
            ended_ms=STARTED_MS + 1_000,
            spans=spans,
        )
        await tenant.take(transaction, project=tenant.backend)
    served = (await tenant.web.get(tenant.page(REPLAY_ID, "/served"))).json()["served"]
    assert len(served) >= 2_700
