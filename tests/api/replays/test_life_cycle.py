"""Replays through the life of an app: buffers, crashes, next launches, other runs."""

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
"""What the next launch knows of the app that crashed."""
BUFFER = envelopes.replay_video_envelope(replay_type="buffer", duration_ms=12_000, **RECOVERED)
CRASH = envelopes.event_envelope()
EARLIER = envelopes.event_envelope("e" * 32, at_ms=STARTED_MS + 500, release="shop@4.1")


async def facts_of(tenant: Server) -> dict[str, Any]:
    """What the replay says of its app and device."""
    facts: dict[str, Any] = (await tenant.dump(REPLAY_ID))["replay"]["facts"]
    return facts


@pytest.mark.parametrize("order", [(BUFFER, CRASH), (CRASH, BUFFER)])
@pytest.mark.parametrize("is_at_once", [True, False])
async def test_a_crash_tells_of_which_release_its_replay_is(
    tenant: Server, order: tuple[bytes, ...], is_at_once: bool
):
    """Android's segment of the next launch does not know; the list finds it all the same."""
    for bodies in [order] if is_at_once else [[one] for one in order]:
        await tenant.take(*bodies)
    facts = await facts_of(tenant)
    assert (facts["release"], facts["environment"]) == (RELEASE, "production")
    assert facts["device_model"] == "Pixel 8"
    listed = await tenant.web.get("/replays", params={"query": f"release:{RELEASE}"})
    assert tenant.page(REPLAY_ID) in listed.text


@pytest.mark.parametrize("order", [*itertools.permutations((BUFFER, CRASH, EARLIER))])
async def test_of_two_crashes_the_first_tells(tenant: Server, order: tuple[bytes, ...]):
    """Whichever came first."""
    for body in order:
        await tenant.take(body)
    assert (await facts_of(tenant))["release"] == "shop@4.1"


@pytest.mark.parametrize("is_last", [True, False])
async def test_a_segment_knows_better_than_a_crash(tenant: Server, is_last: bool):
    """Of the run that crashed, sent before it: its release stays, and comes in later as well."""
    own = envelopes.replay_video_envelope(0, release="shop@4.0")
    late = envelopes.replay_video_envelope(1, **RECOVERED)
    for body in (late, CRASH, own) if is_last else (own, CRASH, late):
        await tenant.take(body)
    assert (await facts_of(tenant))["release"] == "shop@4.0"


async def test_others_do_not_tell(tenant: Server):
    """Neither a handled error, nor a crash of a backend that the app called."""
    await tenant.take(BUFFER)
    handled = {"values": [{"type": "IOException", "value": "timeout"}]}
    await tenant.take(envelopes.event_envelope(exception=handled, level="error"))
    await tenant.take(envelopes.event_envelope("e" * 32), project=tenant.backend)
    assert "release" not in await facts_of(tenant)


async def test_an_iphone_that_crashed_sends_facts_of_its_next_run(tenant: Server):
    """Last segment, other release, user and type: the first segment speaks for the replay."""
    other: dict[str, Any] = {
        "release": "shop@5.0",
        "environment": "staging",
        "user": {"id": "next"},
    }
    last = envelopes.replay_video_envelope(2, platform="ios", replay_type="session", **other)
    first = envelopes.replay_video_envelope(0, platform="ios", replay_type="buffer")
    await tenant.take(last)
    await tenant.take(first)
    found = (await tenant.dump(REPLAY_ID))["replay"]
    assert (found["facts"]["release"], found["facts"]["environment"]) == (RELEASE, "production")
    assert (found["user"]["id"], found["replay_type"]) == ("u-1042", "buffer")


async def test_a_turn_makes_two_segments_of_one_window(tenant: Server):
    """As iPhones do: they overlap by less than a frame, and no time is missing."""
    upright = envelopes.replay_video_envelope(
        0, platform="ios", video=clips.clip(frames=3), duration_ms=3_000
    )
    turned_ms = STARTED_MS + 2_600
    events = [
        recordings.meta(turned_ms, width=256, height=128),
        recordings.video_note(1, turned_ms, 3_000, width=256, height=128),
    ]
    lying = envelopes.replay_video_envelope(
        1,
        platform="ios",
        started_ms=turned_ms,
        duration_ms=3_000,
        video=clips.clip(frames=3, width=256, height=128),
        events=events,
    )
    await tenant.take(lying, upright)
    found = await tenant.dump(REPLAY_ID)
    assert [one["size"] for one in found["segments"]] == [(128, 256), (256, 128)]
    assert found["replay"]["ends_ms"] == STARTED_MS + 5_600
    assert found["activity"]["gaps"] == []


async def test_a_renumbered_segment_goes_by_its_event(tenant: Server):
    """Android drops old buffers and counts anew, but not in the recording's first line."""
    events = [recordings.meta(), recordings.video_note(2)]
    numbered = recordings.recording(events, 2)
    await tenant.take(envelopes.replay_video_envelope(1))
    await tenant.take(envelopes.replay_video_envelope(0, recording_bytes=numbered))
    found = await tenant.dump(REPLAY_ID)
    assert [one["segment_id"] for one in found["segments"]] == [0, 1]
    assert found["activity"]["missing"] == ()


async def test_what_of_a_replay_is_missing_may_come_later(tenant: Server):
    """The first segment, and one in the middle: each moves what is missing, none what is there."""
    missing: list[tuple[int, ...]] = []
    for number in (3, 1, 0, 2):
        await tenant.take(envelopes.replay_video_envelope(number))
        missing.append(tuple((await tenant.dump(REPLAY_ID))["activity"]["missing"]))
    assert missing == [(0, 1, 2), (0, 2), (2,), ()]


async def test_two_replays_on_one_trace_have_their_errors_each(tenant: Server):
    """A trace may outlive a replay; that all came at once, months later, makes no difference."""
    other = "c" * 32
    await tenant.take(envelopes.replay_video_envelope())
    later_ms = STARTED_MS + 1_800_000
    await tenant.take(envelopes.replay_video_envelope(replay_id=other, replay_started_ms=later_ms))
    for number, at_ms in (("1", STARTED_MS + 1_000), ("2", later_ms + 2_000)):
        header = envelopes.envelope_header(replay_id=None, sent_ms=at_ms + 500)
        failed = payloads.event(number * 32, at_ms=at_ms, platform="python")
        body = envelopes.envelope(header, envelopes.item("event", failed))
        await tenant.take(body, project=tenant.backend)
    for replay_id, number, shown in ((REPLAY_ID, "1", "1000"), (other, "2", "2000")):
        page = html_reader.parse_page((await tenant.web.get(tenant.page(replay_id))).text)
        found = {one["data-key"]: one["data-at-ms"] for one in page.all("article", class_="error")}
        assert found == {number * 32: shown}
    (issue,) = (await tenant.dump_issues()).values()
    assert {replay_id for replay_id, _ in issue["replays"]} == {REPLAY_ID, other}


async def test_an_event_of_a_native_crash_finds_its_files(tenant: Server):
    """They came before it, twice, in envelopes of their own that write its id with dashes."""
    dashed = f"{EVENT_ID[:8]}-{EVENT_ID[8:12]}-{EVENT_ID[12:16]}-{EVENT_ID[16:20]}-{EVENT_ID[20:]}"
    files = envelopes.attachment_item(b"main\n", filename="thread-dump.txt")
    alone = envelopes.envelope({"event_id": dashed.upper()}, files)
    await tenant.take(alone, alone, CRASH)
    assert (await tenant.outcomes())["attachment", "duplicate", ""] == 1
    path = f"/projects/{tenant.app.id}/events/{EVENT_ID}"
    assert "thread-dump.txt" in (await tenant.web.get(path, follow_redirects=True)).text
