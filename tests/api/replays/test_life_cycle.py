"""Tests of replays in the life of an app: buffers, crashes, next launches, other runs."""

import itertools
from typing import Any

import pytest

from tests.support import html_reader
from tests.support.builders import clips, envelopes, payloads, recordings
from tests.support.builders.wire import EVENT_ID, MISSING, REPLAY_ID, STARTED_MS
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

RELEASE = "net.example.shop@4.2.0+118"
RECOVERED: dict[str, Any] = {
    **dict.fromkeys(("release", "environment", "dist", "tags", "sdk", "trace_ids"), MISSING),
    "user": {"id": "installation"},
    "contexts": {"device": {"model": "Pixel 8"}, "os": {"name": "Android", "version": "15"}},
    "trace_id": None,
}
"""Changes to a segment that the next launch sends, which knows little of the crashed run."""
BUFFER = envelopes.replay_video_envelope(replay_type="buffer", duration_ms=12_000, **RECOVERED)
CRASH = envelopes.event_envelope()
EARLIER = envelopes.event_envelope("e" * 32, at_ms=STARTED_MS + 500, release="shop@4.1")


async def read_facts(tenant: Server) -> dict[str, Any]:
    """Return the facts of the replay about its app and device."""
    facts: dict[str, Any] = (await tenant.dump(REPLAY_ID))["replay"]["facts"]
    return facts


@pytest.mark.parametrize("order", [(BUFFER, CRASH), (CRASH, BUFFER)])
@pytest.mark.parametrize("is_at_once", [True, False])
async def test_a_crash_names_the_release_of_its_replay(
    tenant: Server, order: tuple[bytes, ...], is_at_once: bool
):
    """Android's segment of the next launch lacks the release, yet a list finds the replay by it."""
    for bodies in [order] if is_at_once else [[body] for body in order]:
        await tenant.take(*bodies)
    facts = await read_facts(tenant)
    assert (facts["release"], facts["environment"]) == (RELEASE, "production")
    assert facts["device_model"] == "Pixel 8"
    list_page = await tenant.web.get("/replays", params={"query": f"release:{RELEASE}"})
    assert tenant.page(REPLAY_ID) in list_page.text


@pytest.mark.parametrize("order", [*itertools.permutations((BUFFER, CRASH, EARLIER))])
async def test_the_first_of_two_crashes_names_the_release_of_a_replay(
    tenant: Server, order: tuple[bytes, ...]
):
    """The order in which segment and crashes arrive makes no difference."""
    for body in order:
        await tenant.take(body)
    assert (await read_facts(tenant))["release"] == "shop@4.1"


@pytest.mark.parametrize("is_last", [True, False])
async def test_the_release_that_a_segment_names_outranks_that_of_a_crash(
    tenant: Server, is_last: bool
):
    """The segment of the crashed run decides, whether it arrives first or last."""
    first_segment = envelopes.replay_video_envelope(0, release="shop@4.0")
    last_segment = envelopes.replay_video_envelope(1, **RECOVERED)
    for body in (
        (last_segment, CRASH, first_segment) if is_last else (first_segment, CRASH, last_segment)
    ):
        await tenant.take(body)
    assert (await read_facts(tenant))["release"] == "shop@4.0"


async def test_handled_errors_and_backend_crashes_name_no_release(tenant: Server):
    """Only a crash of the app itself gives its replay a release."""
    await tenant.take(BUFFER)
    handled = {"values": [{"type": "IOException", "value": "timeout"}]}
    await tenant.take(envelopes.event_envelope(exception=handled, level="error"))
    await tenant.take(envelopes.event_envelope("e" * 32), project=tenant.backend)
    assert "release" not in await read_facts(tenant)


async def test_an_iphone_replay_has_the_facts_of_its_first_segment(tenant: Server):
    """After a crash, the last segment has the release, user and type of the next run."""
    next_run: dict[str, Any] = {
        "release": "shop@5.0",
        "environment": "staging",
        "user": {"id": "next"},
    }
    last = envelopes.replay_video_envelope(2, platform="ios", replay_type="session", **next_run)
    first = envelopes.replay_video_envelope(0, platform="ios", replay_type="buffer")
    await tenant.take(last)
    await tenant.take(first)
    replay = (await tenant.dump(REPLAY_ID))["replay"]
    assert (replay["facts"]["release"], replay["facts"]["environment"]) == (RELEASE, "production")
    assert (replay["user"]["id"], replay["replay_type"]) == ("u-1042", "buffer")


async def test_the_segments_of_a_turned_iphone_leave_no_gap(tenant: Server):
    """Both segments are kept; they overlap by less than a frame, and no time is missing."""
    portrait = envelopes.replay_video_envelope(
        0, platform="ios", video=clips.clip(frames=3), duration_ms=3_000
    )
    turned_ms = STARTED_MS + 2_600
    events = [
        recordings.meta(turned_ms, width=256, height=128),
        recordings.video_note(1, turned_ms, 3_000, width=256, height=128),
    ]
    landscape = envelopes.replay_video_envelope(
        1,
        platform="ios",
        started_ms=turned_ms,
        duration_ms=3_000,
        video=clips.clip(frames=3, width=256, height=128),
        events=events,
    )
    await tenant.take(landscape, portrait)
    dump = await tenant.dump(REPLAY_ID)
    assert [segment["size"] for segment in dump["segments"]] == [(128, 256), (256, 128)]
    assert dump["replay"]["ends_ms"] == STARTED_MS + 5_600
    assert dump["activity"]["gaps"] == []


async def test_a_renumbered_segment_has_the_number_of_its_event(tenant: Server):
    """Android counts anew when it drops old buffers, but not in the recording's first line."""
    events = [recordings.meta(), recordings.video_note(2)]
    numbered = recordings.recording(events, 2)
    await tenant.take(envelopes.replay_video_envelope(1))
    await tenant.take(envelopes.replay_video_envelope(0, recording_bytes=numbered))
    dump = await tenant.dump(REPLAY_ID)
    assert [segment["segment_id"] for segment in dump["segments"]] == [0, 1]
    assert dump["activity"]["missing"] == ()


async def test_a_missing_segment_may_arrive_later(tenant: Server):
    """Each segment that arrives is no longer among the missing ones."""
    missing: list[tuple[int, ...]] = []
    for number in (3, 1, 0, 2):
        await tenant.take(envelopes.replay_video_envelope(number))
        missing.append(tuple((await tenant.dump(REPLAY_ID))["activity"]["missing"]))
    assert missing == [(0, 1, 2), (0, 2), (2,), ()]


async def test_two_replays_on_one_trace_have_their_own_errors(tenant: Server):
    """An error belongs to the replay of its time, even if all envelopes arrive months later."""
    other_id = "c" * 32
    await tenant.take(envelopes.replay_video_envelope())
    later_ms = STARTED_MS + 1_800_000
    await tenant.take(
        envelopes.replay_video_envelope(replay_id=other_id, replay_started_ms=later_ms)
    )
    for number, at_ms in (("1", STARTED_MS + 1_000), ("2", later_ms + 2_000)):
        header = envelopes.envelope_header(replay_id=None, sent_ms=at_ms + 500)
        failed = payloads.event(number * 32, at_ms=at_ms, platform="python")
        body = envelopes.envelope(header, envelopes.item("event", failed))
        await tenant.take(body, project=tenant.backend)
    for replay_id, number, expected_ms in ((REPLAY_ID, "1", "1000"), (other_id, "2", "2000")):
        page = html_reader.parse_page((await tenant.web.get(tenant.page(replay_id))).text)
        error_times = {
            error["data-key"]: error["data-at-ms"] for error in page.all("article", class_="error")
        }
        assert error_times == {number * 32: expected_ms}
    (issue,) = (await tenant.dump_issues()).values()
    assert {replay_id for replay_id, _ in issue["replays"]} == {REPLAY_ID, other_id}


async def test_an_event_of_a_native_crash_finds_its_files(tenant: Server):
    """Files arrive first, twice, in envelopes that write the id of the event with dashes."""
    dashed = f"{EVENT_ID[:8]}-{EVENT_ID[8:12]}-{EVENT_ID[12:16]}-{EVENT_ID[16:20]}-{EVENT_ID[20:]}"
    files = envelopes.attachment_item(b"main\n", filename="thread-dump.txt")
    file_envelope = envelopes.envelope({"event_id": dashed.upper()}, files)
    await tenant.take(file_envelope, file_envelope, CRASH)
    assert (await tenant.outcomes())["attachment", "duplicate", ""] == 1
    path = f"/projects/{tenant.app.id}/events/{EVENT_ID}"
    assert "thread-dump.txt" in (await tenant.web.get(path, follow_redirects=True)).text
