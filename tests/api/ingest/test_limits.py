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
async def narrow(database_url, tmp_path) -> AsyncIterator[Server]:
    """A server with a burst of three envelopes, and hardly anything after."""
    async with running(
        database_url, tmp_path, key_envelopes_per_s=0.001, key_envelopes_burst=3
    ) as server:
        yield server


def told(answer: httpx2.Response) -> dict[str, str | None]:
    """What an answer tells an SDK to do."""
    names = ("retry-after", "x-sentry-rate-limits")
    return {name: answer.headers.get(name) for name in names}


async def test_a_key_that_sends_too_much_is_limited(narrow):
    """429 with both headers; every item is counted, spans one by one; nothing of it is kept."""
    body = envelopes.envelope(
        envelopes.envelope_header(event_id=EVENT_ID),
        envelopes.item("event", payloads.event()),
        envelopes.item("made_up", {}),
        envelopes.item("span", {"items": [{}, {}, {}]}, item_count=3),
        envelopes.client_report_item(),
    )
    await narrow.take(*(envelopes.event_envelope(number * 32) for number in "abc"))
    answer = await narrow.post(body)
    assert answer.status_code == 429
    assert answer.json()["causes"] == ["envelope_rate"]
    seconds, categories, scope, reason = answer.headers["x-sentry-rate-limits"].split(":")
    assert (scope, reason) == ("key", "envelope_rate")
    assert seconds == answer.headers["retry-after"] == "600"
    assert {"error", "transaction", "span", "session"} <= set(categories.split(";"))
    assert "replay" not in categories.split(";")
    assert "x-sentry-rate-limits" in answer.headers["access-control-expose-headers"]
    await narrow.outcomes_reach(
        {
            ("event", "kept", ""): 3,
            ("event", "limited", "envelope_rate"): 1,
            ("made_up", "limited", "envelope_rate"): 1,
            ("span", "limited", "envelope_rate"): 3,
            ("client_report", "limited", "envelope_rate"): 1,
        }
    )


async def test_segments_pass_when_errors_have_used_up_the_rate(narrow):
    """A flood of errors costs no replay its segments; another key is not touched."""
    for number in "abcd":
        await narrow.post(envelopes.event_envelope(number * 32))
    assert (await narrow.post(envelopes.replay_video_envelope())).status_code == 200
    other = await narrow.post(envelopes.event_envelope(), project=narrow.backend)
    assert other.status_code == 200
    await narrow.outcomes_reach(
        {
            ("event", "kept", ""): 3,
            ("event", "limited", "envelope_rate"): 1,
            ("replay_video", "kept", ""): 1,
        }
    )


async def test_bytes_are_limited(database_url, tmp_path):
    """What is counted is what comes over the wire."""
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


async def filled(server: Server, limit_bytes: int | None) -> None:
    """Set what the project may store, and let the server see it."""
    async with server.database.transaction() as connection:
        await spending.set_storage_limit(connection, server.app.id, limit_bytes)
    quotas = server.service.ingest.admission.quotas
    quotas._sum_storage_at_s = 0.0
    await quotas.refresh(server.database)


async def test_a_full_project_takes_no_more_video(server):
    """SDKs are told to stop recording; errors are still kept; what was stored is still there."""
    await server.take(envelopes.replay_video_envelope(0))
    await filled(server, len(clips.clip()))  # as much as there is: full to the byte
    answer = await server.post(envelopes.replay_video_envelope(1))
    assert (answer.status_code, answer.json()["causes"]) == (429, ["storage_quota"])
    assert told(answer) == {"retry-after": "60", "x-sentry-rate-limits": STORAGE}
    error = await server.post(envelopes.event_envelope())
    assert (error.status_code, told(error)["x-sentry-rate-limits"]) == (200, None)
    await server.outcomes_reach(
        {
            ("replay_video", "kept", ""): 1,
            ("replay_video", "limited", "storage_quota"): 1,
            ("event", "kept", ""): 1,
        }
    )
    assert len((await server.dump(REPLAY_ID))["segments"]) == 1


async def test_a_project_that_is_not_quite_full_takes_one_more(server):
    """A byte below its limit it takes another segment."""
    await server.take(envelopes.replay_video_envelope(0))
    await filled(server, len(clips.clip()) + 1)
    await server.take(envelopes.replay_video_envelope(1))
    assert await server.outcomes() == {("replay_video", "kept", ""): 2}


async def test_of_a_mixed_envelope_the_rest_is_kept(server):
    """200 with the header; the error is kept, its file is not, and neither is the recording."""
    await server.take(envelopes.replay_video_envelope(0))
    await filled(server, 1)
    body = envelopes.envelope(
        envelopes.envelope_header(event_id=EVENT_ID),
        envelopes.item("event", payloads.event()),
        envelopes.attachment_item(),
    )
    answer = await server.post(body)
    assert (answer.status_code, told(answer)["x-sentry-rate-limits"]) == (200, STORAGE)
    await server.settled()
    assert await server.outcomes() == {
        ("replay_video", "kept", ""): 1,
        ("event", "kept", ""): 1,
        ("attachment", "limited", "storage_quota"): 1,
    }


@pytest.mark.parametrize("limit_bytes", [None, 10**12])
async def test_room_made_is_room_used(server, limit_bytes):
    """When the limit is raised or lifted, segments are kept again."""
    await server.take(envelopes.replay_video_envelope(0))
    await filled(server, 1)
    assert (await server.post(envelopes.replay_video_envelope(1))).status_code == 429
    await filled(server, limit_bytes)
    await server.take(envelopes.replay_video_envelope(1))
    assert len((await server.dump(REPLAY_ID))["segments"]) == 2


async def test_a_replay_has_two_thousand_segments(server):
    """They are numbered from 0: the last one is kept, the one after it limited."""
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
    """Ten are told that nobody knows their key; those who do not stop, to hold everything back."""
    server.service.ingest.admission.quotas._strangers.per_s = 0.001  # instead of ten a second
    headers = envelopes.headers("f" * 32, encoding=None)
    answers = [
        await server.sender.post(server.door(), content=b"{}\n", headers=headers) for _ in range(12)
    ]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 2
    assert told(answers[-1]) == {
        "retry-after": "60",
        "x-sentry-rate-limits": "60::key:unknown_key",
    }
    metrics = (await server.sender.get("/metrics")).text
    assert 'playhead_envelopes_refused_total{reason="unknown_key"} 12.0' in metrics
    assert (await server.post(envelopes.event_envelope())).status_code == 200
    await server.settled()
    assert await server.outcomes() == {("event", "kept", ""): 1}
