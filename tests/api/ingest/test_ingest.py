"""From an envelope to stored rows: the invariants of ingest, over HTTP."""

import os
from pathlib import Path

import pytest

from app.core import clock
from app.core.errors import ServiceUnavailable
from app.ingest.bodies import reopen_entry
from app.journal.entry import JournalEntry
from app.projects import writes as project_writes
from app.storage.disk.local import LocalStore
from tests.support import html_reader
from tests.support.builders import clips, envelopes, payloads, recordings
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, STARTED_MS, TRACE_ID
from tests.support.servers.server import exchange
from tests.support.waiting import until

CARD = "4111 1111 1111 1111"


def segment_request(server, body: bytes) -> bytes:
    """Return a whole HTTP request with a segment."""
    head = (
        f"POST {server.ingest_path()} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"X-Sentry-Auth: {envelopes.auth_header(server.app.key)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def test_an_envelope_that_the_disk_refuses_is_not_answered(server, monkeypatch):
    """The sender gets no answer, and its next try is kept once."""
    request = segment_request(server, envelopes.replay_video_envelope())

    def fail(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", fail)
        assert await exchange(server.base_url, request) == b""
    assert (await exchange(server.base_url, request)).startswith(b"HTTP/1.1 200 ")
    await server.settled()
    assert await server.outcomes() == {("replay_video", "kept", ""): 1}


async def test_a_200_is_sent_after_the_journal_is_synced(server, monkeypatch):
    """The answer is not sent before `fdatasync` of the journal has returned."""
    synced_paths: list[str] = []
    sync = os.fdatasync

    def record_sync(fd: int) -> None:
        synced_paths.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        sync(fd)

    monkeypatch.setattr(os, "fdatasync", record_sync)
    answer = await server.post(envelopes.event_envelope())
    assert answer.status_code == 200
    assert [path for path in synced_paths if str(server.folder / "journal") in path] != []


async def test_the_first_write_of_a_segment_wins(server):
    """A segment that comes again with other content leaves the stored one as it is."""
    first = envelopes.replay_video_envelope(video=clips.clip(frames=5))
    await server.take(first)
    before = await server.dump(REPLAY_ID)
    files = [path.read_bytes() for path in server.objects()]
    await server.take(
        envelopes.replay_video_envelope(video=clips.clip(frames=3), urls=["OtherActivity"])
    )
    assert await server.dump(REPLAY_ID) == before
    assert await server.outcomes() == {
        ("replay_video", "kept", ""): 1,
        ("replay_video", "duplicate", ""): 1,
    }
    server.service.sweeper.hurry()
    video = await server.web.get(server.page(REPLAY_ID, "/segments/0.mp4"))
    assert [video.content] == files


async def test_a_second_delivery_changes_nothing(server):
    """Envelopes that are sent twice, in one batch or later, give what they gave once."""
    bodies = [
        envelopes.replay_video_envelope(),
        envelopes.event_envelope(),
        envelopes.transaction_envelope("c" * 32),
    ]
    await server.take(*bodies)
    once = await server.dump(REPLAY_ID)
    await server.take(*bodies, *bodies)
    assert await server.dump(REPLAY_ID) == once
    assert await server.outcomes() == {
        (item_type, outcome, ""): number
        for item_type in ("replay_video", "event", "transaction")
        for outcome, number in (("kept", 1), ("duplicate", 2))
    }


async def test_every_item_ends_in_one_counted_outcome(server):
    """Kept, refused and ignored items of one envelope are counted one by one."""
    body = envelopes.replay_video_envelope(
        more_items=[
            envelopes.item("event", payloads.event()),
            envelopes.item("event", b"no json"),
            envelopes.item("replay_video", b"\x80"),
            envelopes.item("made_up", {}),
            envelopes.client_report_item(),
            envelopes.attachment_item(),
        ]
    )
    await server.take(body)
    assert await server.outcomes() == {
        ("replay_video", "kept", ""): 1,
        ("replay_video", "refused", "malformed"): 1,
        ("event", "kept", ""): 1,
        ("event", "refused", "malformed"): 1,
        ("made_up", "ignored", "type"): 1,
        ("client_report", "kept", ""): 1,
        ("replay", "dropped_by_sdk", "sample_rate"): 1,
        ("attachment", "kept", ""): 1,
    }


async def test_text_is_scrubbed_before_it_is_stored(server):
    """A card number and a password are neither in the database nor on the page."""
    crumb = recordings.breadcrumb("console", STARTED_MS + 1_000, message=f"paid with {CARD}")
    error = payloads.event(extra={"password": "hunter2-secret"}, logentry={"formatted": CARD})
    await server.take(
        envelopes.replay_video_envelope(
            events=[*recordings.segment_events(0, STARTED_MS, 5_000, size_bytes=100), crumb],
            tags={"card": CARD},
        ),
        envelopes.envelope(
            envelopes.envelope_header(event_id=EVENT_ID), envelopes.item("event", error)
        ),
    )
    page = await server.web.get(server.page(REPLAY_ID))
    assert "paid with" in page.text
    dump = str(await server.dump(REPLAY_ID))
    for secret in (CARD, "hunter2-secret"):
        assert secret not in page.text
        assert secret not in dump


async def test_a_segment_with_a_broken_video_is_kept_without_it(server):
    """The page marks the video as faulty, and the other segments keep theirs."""
    await server.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(1, video=clips.clip()[:-200]),
        envelopes.replay_video_envelope(2, video=None),
    )
    dump = await server.dump(REPLAY_ID)
    assert [segment["has_video"] for segment in dump["segments"]] == [True, False, False]
    page = html_reader.parse_page((await server.web.get(server.page(REPLAY_ID))).text)
    assert [row["data-video"] for row in page.all("tr", "data-video")] == [
        "playable",
        "faulty",
        "none",
    ]


async def test_a_video_that_was_lost_may_come_later(server):
    """A segment that came without its video gains it, and everything else of it stays."""
    await server.take(envelopes.replay_video_envelope(video=None))
    (without,) = (await server.dump(REPLAY_ID))["segments"]
    await server.take(envelopes.replay_video_envelope(urls=["OtherActivity"]))
    (gained,) = (await server.dump(REPLAY_ID))["segments"]
    assert (without["has_video"], gained["has_video"]) == (False, True)
    assert gained["screens"] == without["screens"]
    video = await server.web.get(server.page(REPLAY_ID, "/segments/0.mp4"))
    assert video.content == clips.clip()


async def refuse_to_put(self, key, content):
    """Raise an error, so that envelopes wait in memory and meet in one batch."""
    raise ServiceUnavailable("the disk is full")


async def test_an_object_without_a_row_is_removed(server):
    """The sweep removes the video of a segment that lost against an earlier one."""
    await server.take(envelopes.replay_video_envelope(video=clips.clip(frames=5)))
    objects = server.objects()
    await server.take(envelopes.replay_video_envelope(video=clips.clip(frames=3)))
    server.service.sweeper.hurry()
    await until(lambda: server.objects() == objects)


async def test_a_duplicate_in_one_batch_leaves_no_bytes_in_its_pack(server, monkeypatch):
    """If one batch has a segment twice, only the bytes of the first delivery stay on disk."""
    first, second = clips.clip(frames=5), clips.clip(frames=3)
    with monkeypatch.context() as broken:
        broken.setattr(LocalStore, "put", refuse_to_put)
        for video in (first, second):
            assert (
                await server.post(envelopes.replay_video_envelope(video=video))
            ).status_code == 200
    await server.settled()
    server.service.sweeper.hurry()
    await until(lambda: not server.holds(second))
    assert server.holds(first)
    assert (await server.outcomes())["replay_video", "duplicate", ""] == 1


async def test_a_failure_of_storage_delays_envelopes_and_loses_none(server, monkeypatch):
    """Envelopes are accepted while objects cannot be written, and are kept once afterwards."""
    calls = []

    async def fail(self, key, content):
        calls.append(key)
        raise ServiceUnavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(LocalStore, "put", fail)
        for segment_id in range(3):
            answer = await server.post(envelopes.replay_video_envelope(segment_id))
            assert answer.status_code == 200
        await until(lambda: len(calls) > 1)
    await server.settled()
    assert await server.outcomes() == {("replay_video", "kept", ""): 3}
    assert len((await server.dump(REPLAY_ID))["segments"]) == 3


@pytest.mark.parametrize("first", ["event", "segment"])
async def test_an_error_and_its_replay_are_linked_whichever_comes_first(server, first):
    """The trace in the envelope's header links an error before its segment or after it."""
    bodies = [envelopes.event_envelope(), envelopes.replay_video_envelope()]
    await server.take(*(bodies if first == "event" else reversed(bodies)))
    dump = await server.dump(REPLAY_ID)
    assert dump["errors"] == [("app", EVENT_ID)]


async def test_an_error_of_a_backend_is_linked_by_its_trace_alone(server):
    """An event of another project that names no replay is found by its trace and its time."""
    await server.take(envelopes.replay_video_envelope())
    await server.take(
        envelopes.event_envelope(replay_id=None, trace_id=TRACE_ID, platform="python"),
        project=server.backend,
    )
    dump = await server.dump(REPLAY_ID)
    assert dump["errors"] == [("backend", EVENT_ID)]


async def test_an_accepted_entry_is_kept_although_its_key_was_switched_off(server):
    """An entry that is read after a restart is judged by its project, not by its key of today."""
    entry = JournalEntry(
        seq=1,
        project_id=server.app.id,
        key=server.app.key,
        received_ms=clock.now_ms(),
        client_ip=None,
        content_encoding="gzip",
        kind="envelope",
        body=envelopes.event_envelope(),
    )
    async with server.database.transaction() as connection:
        await project_writes.set_key_active(
            connection, server.app.id, server.app.key, is_active=False
        )
    assert (
        await server.service.ingest.digester.batches._find_unknown_keys([reopen_entry(entry)])
        == set()
    )
