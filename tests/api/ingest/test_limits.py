"""Limits over HTTP: what is answered, what SDKs are told, what is counted."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from app.core.limits import LIMITS
from app.projects import spending
from tests.support.builders import clips, envelopes, payloads
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.servers.server import Server, running

STORAGE = "60:replay;attachment:project:storage_quota"


@pytest.fixture
async def limited_server(database_url, tmp_path) -> AsyncIterator[Server]:
    """A server that accepts a burst of three envelopes, and hardly any after it."""
    async with running(
        database_url, tmp_path, key_envelopes_per_s=0.001, key_envelopes_burst=3
    ) as server:
        yield server


def read_limit_headers(answer: httpx2.Response) -> dict[str, str | None]:
    """Return the headers of an answer that tell an SDK to wait."""
    names = ("retry-after", "x-sentry-rate-limits")
    return {name: answer.headers.get(name) for name in names}


async def test_a_key_that_sends_too_many_envelopes_is_limited(limited_server):
    """The answer is 429 with both headers; every item is counted, each span for itself."""
    body = envelopes.envelope(
        envelopes.envelope_header(event_id=EVENT_ID),
        envelopes.item("event", payloads.event()),
        envelopes.item("made_up", {}),
        envelopes.item("span", {"items": [{}, {}, {}]}, item_count=3),
        envelopes.client_report_item(),
    )
    await limited_server.take(*(envelopes.event_envelope(number * 32) for number in "abc"))
    answer = await limited_server.post(body)
    assert answer.status_code == 429
    assert answer.json()["causes"] == ["envelope_rate"]
    seconds, categories, scope, reason = answer.headers["x-sentry-rate-limits"].split(":")
    assert (scope, reason) == ("key", "envelope_rate")
    assert seconds == answer.headers["retry-after"] == "600"
    assert {"error", "transaction", "span", "session"} <= set(categories.split(";"))
    assert "replay" not in categories.split(";")
    assert "x-sentry-rate-limits" in answer.headers["access-control-expose-headers"]
    await limited_server.outcomes_reach(
        {
            ("event", "kept", ""): 3,
            ("event", "limited", "envelope_rate"): 1,
            ("made_up", "limited", "envelope_rate"): 1,
            ("span", "limited", "envelope_rate"): 3,
            ("client_report", "limited", "envelope_rate"): 1,
        }
    )


async def test_segments_are_kept_when_errors_have_used_up_the_rate(limited_server):
    """A flood of errors costs no replay its segments, and does not affect another key."""
    for number in "abcd":
        await limited_server.post(envelopes.event_envelope(number * 32))
    assert (await limited_server.post(envelopes.replay_video_envelope())).status_code == 200
    backend_answer = await limited_server.post(
        envelopes.event_envelope(), project=limited_server.backend
    )
    assert backend_answer.status_code == 200
    await limited_server.outcomes_reach(
        {
            ("event", "kept", ""): 3,
            ("event", "limited", "envelope_rate"): 1,
            ("replay_video", "kept", ""): 1,
        }
    )


async def test_the_bytes_of_a_key_are_limited(database_url, tmp_path):
    """The limit counts the bytes that arrive, before they are inflated."""
    async with running(
        database_url, tmp_path, key_bytes_per_s=0.001, key_bytes_burst=500
    ) as server:
        await server.take(envelopes.event_envelope())
        answer = await server.post(envelopes.event_envelope("b" * 32))
        assert answer.status_code == 429
        assert answer.headers["x-sentry-rate-limits"].endswith(":key:byte_rate")
        await server.outcomes_reach(
            {("event", "kept", ""): 1, ("event", "limited", "byte_rate"): 1}
        )


async def set_storage_limit(server: Server, limit_bytes: int | None) -> None:
    """Set the bytes that the project may store, and let the server read the limit."""
    async with server.database.transaction() as connection:
        await spending.set_storage_limit(connection, server.app.id, limit_bytes)
    quotas = server.service.ingest.admission.quotas
    quotas._sum_storage_at_s = 0.0
    await quotas.refresh(server.database)


async def test_a_full_project_accepts_no_more_video(server):
    """SDKs are told to stop recording; errors are still kept, and stored segments stay."""
    await server.take(envelopes.replay_video_envelope(0))
    await set_storage_limit(server, len(clips.clip()))  # as much as there is: full to the byte
    answer = await server.post(envelopes.replay_video_envelope(1))
    assert (answer.status_code, answer.json()["causes"]) == (429, ["storage_quota"])
    assert read_limit_headers(answer) == {"retry-after": "60", "x-sentry-rate-limits": STORAGE}
    error = await server.post(envelopes.event_envelope())
    assert (error.status_code, read_limit_headers(error)["x-sentry-rate-limits"]) == (200, None)
    await server.outcomes_reach(
        {
            ("replay_video", "kept", ""): 1,
            ("replay_video", "limited", "storage_quota"): 1,
            ("event", "kept", ""): 1,
        }
    )
    assert len((await server.dump(REPLAY_ID))["segments"]) == 1


async def test_a_project_just_below_its_limit_accepts_one_more_segment(server):
    """One byte below its limit, the project is not full yet."""
    await server.take(envelopes.replay_video_envelope(0))
    await set_storage_limit(server, len(clips.clip()) + 1)
    await server.take(envelopes.replay_video_envelope(1))
    assert await server.outcomes() == {("replay_video", "kept", ""): 2}


async def test_a_full_project_keeps_the_error_of_a_mixed_envelope(server):
    """The answer is 200 with the header; the error is kept, and its file is not."""
    await server.take(envelopes.replay_video_envelope(0))
    await set_storage_limit(server, 1)
    body = envelopes.envelope(
        envelopes.envelope_header(event_id=EVENT_ID),
        envelopes.item("event", payloads.event()),
        envelopes.attachment_item(),
    )
    answer = await server.post(body)
    assert (answer.status_code, read_limit_headers(answer)["x-sentry-rate-limits"]) == (
        200,
        STORAGE,
    )
    await server.settled()
    assert await server.outcomes() == {
        ("replay_video", "kept", ""): 1,
        ("event", "kept", ""): 1,
        ("attachment", "limited", "storage_quota"): 1,
    }


@pytest.mark.parametrize("limit_bytes", [None, 10**12])
async def test_a_higher_limit_of_storage_lets_segments_in_again(server, limit_bytes):
    """Segments are kept once the limit is raised or lifted."""
    await server.take(envelopes.replay_video_envelope(0))
    await set_storage_limit(server, 1)
    assert (await server.post(envelopes.replay_video_envelope(1))).status_code == 429
    await set_storage_limit(server, limit_bytes)
    await server.take(envelopes.replay_video_envelope(1))
    assert len((await server.dump(REPLAY_ID))["segments"]) == 2


async def test_a_replay_has_at_most_two_thousand_segments(server):
    """Segments are numbered from 0: the last one is kept, and the one after it limited."""
    await server.take(
        envelopes.replay_video_envelope(LIMITS.segments - 1),
        envelopes.replay_video_envelope(LIMITS.segments),
        envelopes.replay_video_envelope(LIMITS.segment_id),
        envelopes.replay_video_envelope(LIMITS.segment_id + 1),
    )
    assert await server.outcomes() == {
        ("replay_video", "kept", ""): 1,
        ("replay_video", "limited", "segments"): 2,
        ("replay_video", "refused", "malformed"): 1,
    }


async def test_strangers_are_limited_by_address(server):
    """The first ten learn that their key is unknown; later ones are told to stop sending."""
    server.service.ingest.admission.quotas._strangers.per_s = 0.001  # instead of ten a second
    headers = envelopes.headers("f" * 32, encoding=None)
    answers = [
        await server.sender.post(server.ingest_path(), content=b"{}\n", headers=headers)
        for _ in range(12)
    ]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 2
    assert read_limit_headers(answers[-1]) == {
        "retry-after": "60",
        "x-sentry-rate-limits": "60::key:unknown_key",
    }
    metrics = (await server.sender.get("/metrics")).text
    assert 'playhead_envelopes_refused_total{reason="unknown_key"} 12.0' in metrics
    assert (await server.post(envelopes.event_envelope())).status_code == 200
    await server.settled()
    assert await server.outcomes() == {("event", "kept", ""): 1}
