"""Events whose debug files come after them: a worker makes them clear, and moves them."""

import uuid
from typing import Any, override

import pytest
from sqlalchemy import text

from app.core.errors import ServiceUnavailable
from app.core.ids import EventId
from app.debug_files import writes as file_writes
from app.symbolication import found_files
from app.symbolication.cache import CacheKey, DebugFileCache
from app.symbolication.cache_sweeper import CacheSweeper
from app.symbolication.draft import EventDraft, OutOfTime
from app.symbolication.family import EventFiles
from app.symbolication.model import read_clear_event, unpack_symbolicated
from app.symbolication.redo import ask, events as redo_events, queue, worker
from app.symbolication.redo.ask import queue_stored_events
from tests.support.builders import envelopes
from tests.support.clear_events import (
    EVENT_ID,
    obfuscated_event,
    read_event,
    read_rows,
    redo,
    try_to_redo,
    upload_cached_mapping,
    upload_mapping,
)
from tests.support.renaming_family import OBJECT_NAME, RenamingFamily, debug_meta
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

ISSUE_TABLES = ("issues", "issue_users", "issue_replays", "issue_releases")


async def dump_issues(server: Server) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of issues without what depends on the project, and on the time of arrival."""
    skipped = {"project_id", "user_hash", "first_seen_at", "last_seen_at"}
    return {
        table: sorted(
            [
                {name: value for name, value in row.items() if name not in skipped}
                for row in await read_rows(server, table)
            ],
            key=str,
        )
        for table in ISSUE_TABLES
    }


async def read_titles(server: Server) -> list[str]:
    """Return the titles of the issues, sorted."""
    return sorted(row["title"] for row in await read_rows(server, "issues"))


async def test_file_that_comes_later_makes_its_events_clear(tenant: Server, family: RenamingFamily):
    """Stack, title and issue are those that the event had got if its file had been here before."""
    await tenant.take(obfuscated_event())
    assert await read_titles(tenant) == ["x: declined"]
    file_id = await upload_mapping(tenant)
    await redo(tenant)
    row = await read_event(tenant)
    assert (row["title"], row["exception_type"]) == ("PaymentFailed: declined", "PaymentFailed")
    clear = read_clear_event(row["payload"], row["symbolicated"])
    assert clear["exception"]["values"][0]["stacktrace"]["frames"][0]["function"] == "pay"
    assert [file.file_id for file in unpack_symbolicated(row["symbolicated"]).used] == [file_id]
    assert await read_titles(tenant) == ["PaymentFailed: declined"]
    for table in ("missing_files", "symbolication_queue", "debug_file_arrivals"):
        assert await read_rows(tenant, table) == []
    (file,) = await read_rows(tenant, "debug_files")
    assert file["last_used_day"] == row["day"]


async def test_both_orders_end_alike(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """Counts, users, releases and replays of issues are the same, whichever came first."""
    monkeypatch.setattr(worker, "STEP", 2)
    project, other = tenant, tenant.of(tenant.backend)
    bodies = [
        obfuscated_event(
            f"{number:032x}",
            function="a" if number % 3 else "b",
            replay_id=uuid.uuid4().hex if number % 2 else None,
            user={"id": f"u-{number}"},
            release=f"shop@1.{number}",
        )
        for number in range(1, 6)
    ]
    await project.take(*bodies[:3])
    await upload_cached_mapping(project)
    await redo(project)
    await project.take(*bodies[3:])
    await upload_cached_mapping(other)
    await other.take(*bodies)
    assert await dump_issues(other) == await dump_issues(project)


async def test_links_with_replays_move_along(tenant: Server, family: RenamingFamily):
    """The issue that an event moves to lists the replay, and the one that it leaves does not."""
    replay_id, trace_id = uuid.uuid4().hex, uuid.uuid4().hex
    replay = envelopes.replay_video_envelope(replay_id=replay_id, trace_id=trace_id)
    await tenant.take(replay, obfuscated_event(replay_id=replay_id, trace_id=trace_id))
    (before,) = await read_rows(tenant, "issue_links")
    await upload_mapping(tenant)
    await redo(tenant)
    (after,) = await read_rows(tenant, "issue_links")
    (issue,) = await read_rows(tenant, "issues")
    assert after["issue_id"] == issue["issue_id"] != before["issue_id"]
    assert (after["replay_id"], after["event_id"]) == (before["replay_id"], before["event_id"])
    counts = {
        row["issue_id"]: row["replays"] for row in await read_rows(tenant, "issue_link_counts")
    }
    assert {issue_id: count for issue_id, count in counts.items() if count} == {
        issue["issue_id"]: 1
    }


async def test_old_address_leads_to_the_new_issue(tenant: Server, family: RenamingFamily):
    """A link to an issue that was replaced is answered with the one that took its events."""
    await tenant.take(obfuscated_event())
    (old,) = await read_rows(tenant, "issues")
    await upload_mapping(tenant)
    await redo(tenant)
    (new,) = await read_rows(tenant, "issues")
    base = f"/projects/{tenant.app.id}/issues"
    for rest in ("", f"/events/{EVENT_ID}", "/replays", "/feedback"):
        answer = await tenant.web.get(f"{base}/{old['issue_id'].hex}{rest}")
        assert answer.status_code in (301, 302, 303, 307, 308), rest
        assert answer.headers["location"].startswith(f"{base}/{new['issue_id'].hex}{rest}")
    assert (await tenant.web.get(f"{base}/{'0' * 31}1")).status_code == 404


async def test_pending_events_are_done_with_fetched_files(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """An event whose file did not come in time is done by the worker, which waits for it."""
    await upload_mapping(tenant)
    with monkeypatch.context() as patched:
        patched.setattr(found_files, "_MOST_LATE", 0)
        await tenant.take(obfuscated_event())
    assert (await read_event(tenant))["title"] == "x: declined"
    await redo(tenant)
    assert (await read_event(tenant))["title"] == "PaymentFailed: declined"
    assert await read_rows(tenant, "symbolication_queue") == []


async def test_many_events_are_done_step_by_step(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """An upload does all events that miss it, the newest first, some at a time."""
    monkeypatch.setattr(worker, "STEP", 3)
    ids = [f"{number:032x}" for number in range(1, 9)]
    for event_id in ids:
        await tenant.take(obfuscated_event(event_id))
    await upload_mapping(tenant)
    turns: list[list[str]] = []
    redoer = tenant.service.work.symbolication._redoer

    class NotingRedoer:
        symbolicator = redoer.symbolicator

        async def redo_events(self, project_id: Any, keys: Any) -> Any:
            if project_id == tenant.app.id:
                turns.append([key.event_id for key in keys])
            return await redoer.redo_events(project_id, keys)

    monkeypatch.setattr(tenant.service.work.symbolication, "_redoer", NotingRedoer())
    await redo(tenant)
    assert turns == [ids[:4:-1], ids[4:1:-1], ids[1::-1]]
    (issue,) = await read_rows(tenant, "issues")
    assert (issue["title"], issue["events"]) == ("PaymentFailed: declined", len(ids))


async def test_file_that_does_not_help_is_tried_once(tenant: Server, family: RenamingFamily):
    """Events that still miss something are not tried again and again for one upload."""
    await tenant.take(obfuscated_event(debug_meta=debug_meta("1-1", "2-2")))
    await upload_mapping(tenant)
    calls = family.calls
    await redo(tenant)
    await redo(tenant)
    assert family.calls == calls
    assert {row["debug_id"] for row in await read_rows(tenant, "missing_files")} == {"1-1", "2-2"}


async def test_deleted_file_leaves_clear_stacks_as_they_are(tenant: Server, family: RenamingFamily):
    """Symbolicating again without the file that made an event clear does not make it unclear."""
    file_id = await upload_cached_mapping(tenant)
    await tenant.take(obfuscated_event())
    async with tenant.database.transaction() as connection:
        await file_writes.delete_debug_files(connection, tenant.app.id, [file_id])
    assert await queue_stored_events(tenant.database, tenant.app.id) == 1
    await redo(tenant)
    row = await read_event(tenant)
    assert row["title"] == "PaymentFailed: declined"
    assert unpack_symbolicated(row["symbolicated"]).is_changed
    assert await read_rows(tenant, "symbolication_queue") == []


async def test_newer_file_is_used_when_somebody_asks(tenant: Server, family: RenamingFamily):
    """A second upload of one id changes clear events only if somebody asks for it."""
    await upload_cached_mapping(tenant)
    await tenant.take(obfuscated_event())
    await upload_mapping(tenant, {"a": "pay", "x": "Declined"})
    await redo(tenant)
    assert (await read_event(tenant))["title"] == "PaymentFailed: declined"
    issue_id = (await read_event(tenant))["issue_id"].hex
    queued = await queue_stored_events(tenant.database, tenant.app.id, issue_id=issue_id)
    assert queued == 1
    await redo(tenant)
    assert (await read_event(tenant))["title"] == "Declined: declined"
    again = await queue_stored_events(
        tenant.database, tenant.app.id, event_id=EventId("0" * 31 + "9")
    )
    assert again == 0


async def test_queue_is_bounded_and_in_parts(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """Events of a project are queued part by part, each once, up to a bound."""
    monkeypatch.setattr(ask, "_PART", 2)
    await tenant.take(*(obfuscated_event(f"{number:032x}") for number in range(1, 6)))
    assert await queue_stored_events(tenant.database, tenant.app.id) == 5
    assert len(await read_rows(tenant, "symbolication_queue")) == 5
    monkeypatch.setattr(ask, "MOST_EVENTS", 4)
    assert await queue_stored_events(tenant.database, tenant.app.id) == 4


async def test_resolved_issue_stays_resolved(tenant: Server, family: RenamingFamily):
    """Nothing is regressed because events become clear."""
    await tenant.take(obfuscated_event())
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("update issues set status = 'resolved', status_at = now(), resolved_release = '0'")
        )
    await upload_mapping(tenant)
    await redo(tenant)
    (issue,) = await read_rows(tenant, "issues")
    assert issue["title"] == "PaymentFailed: declined"
    assert (issue["status"], issue["is_regressed"]) == ("resolved", False)


class StubbornFamily(RenamingFamily):
    """A family that fails for one event, in a way that a test chooses."""

    fault: Exception | None = None

    @override
    async def rewrite(self, draft: EventDraft, files: EventFiles) -> None:
        if self.fault is not None:
            raise self.fault
        await super().rewrite(draft, files)


async def test_event_that_never_fits_into_its_time_is_given_up(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """After some tries an event stays as it was sent, and does not fill the queue for ever."""
    stubborn = StubbornFamily()
    stubborn.fault = OutOfTime()
    symbolicator = tenant.service.shared.symbolication.symbolicator
    monkeypatch.setattr(symbolicator, "_families", (stubborn,))
    await tenant.take(obfuscated_event())
    for tries in range(1, queue.MOST_TRIES + 1):
        (waiting,) = await read_rows(tenant, "symbolication_queue")
        assert waiting["tries"] == tries - 1
        async with tenant.database.transaction() as connection:
            await connection.execute(text("update symbolication_queue set due_at = now()"))
        await redo(tenant)
    assert await read_rows(tenant, "symbolication_queue") == []
    assert (await read_event(tenant))["title"] == "x: declined"


async def test_outage_of_the_store_keeps_events_waiting(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """While the store does not answer, nothing is written, and nothing is given up."""
    await tenant.take(obfuscated_event())
    await upload_mapping(tenant)

    async def fail(*_: Any) -> None:
        raise ServiceUnavailable("the bucket does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(tenant.service.shared.symbolication.cache, "fetch", fail)
        with pytest.raises(ServiceUnavailable):
            await try_to_redo(tenant)
    assert (await read_event(tenant))["title"] == "x: declined"
    await redo(tenant)
    assert (await read_event(tenant))["title"] == "PaymentFailed: declined"


async def test_locked_issue_is_left_to_digest(tenant: Server, family: RenamingFamily):
    """The worker gives way to whoever has locked an issue; its events come soon, untried."""
    await tenant.take(obfuscated_event())
    await upload_mapping(tenant)
    assert await queue_stored_events(tenant.database, tenant.app.id) == 1
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("select 1 from issues where project_id = :id for update"), {"id": tenant.app.id}
        )
        with pytest.raises(ServiceUnavailable):
            await try_to_redo(tenant)
    async with tenant.database.reading() as connection:
        waiting = await connection.execute(
            text(
                "select tries, due_at < now() + interval '10 seconds' as is_soon "
                "from symbolication_queue where project_id = :id"
            ),
            {"id": tenant.app.id},
        )
        assert [tuple(row) for row in waiting] == [(0, True)]
    await redo(tenant)
    assert (await read_event(tenant))["title"] == "PaymentFailed: declined"


async def test_one_bad_event_costs_only_itself(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """If a step fails, its events are done one by one, and the bad one waits."""
    bad, good = f"{1:032x}", f"{2:032x}"
    await tenant.take(obfuscated_event(bad), obfuscated_event(good))
    await upload_mapping(tenant)
    decode = redo_events._decode_payloads

    def decode_or_fail(project_id: Any, payloads: Any, views: Any) -> Any:
        if any(stored.key.event_id == bad for stored in payloads):
            raise KeyError("a bad event")
        return decode(project_id, payloads, views)

    with monkeypatch.context() as patched:
        patched.setattr(redo_events, "_decode_payloads", decode_or_fail)
        await redo(tenant)
    assert (await read_event(tenant, good))["title"] == "PaymentFailed: declined"
    (waiting,) = await read_rows(tenant, "symbolication_queue")
    assert waiting["event_id"].hex == bad


async def test_deleted_events_leave_the_queue(tenant: Server, family: RenamingFamily):
    """An event that is deleted while it waits is forgotten."""
    await tenant.take(obfuscated_event())
    assert await queue_stored_events(tenant.database, tenant.app.id) == 1
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("delete from events where project_id = :id"), {"id": tenant.app.id}
        )
    await redo(tenant)
    assert await read_rows(tenant, "symbolication_queue") == []


async def test_worker_waits_while_ingest_is_busy(tenant: Server, family: RenamingFamily):
    """Stored events are done when ingest leaves room."""
    await tenant.take(obfuscated_event())
    await upload_mapping(tenant)
    await redo(tenant, is_busy=lambda: True)
    assert (await read_event(tenant))["title"] == "x: declined"


async def test_deleted_files_leave_the_cache_of_the_machine(tenant: Server, family: RenamingFamily):
    """The copies of a deleted file go from the disk; those of others stay."""
    parts = tenant.service.shared.symbolication
    file_id = await upload_cached_mapping(tenant)
    other_id = await upload_cached_mapping(tenant.of(tenant.backend))
    async with tenant.database.transaction() as connection:
        await file_writes.delete_debug_files(connection, tenant.app.id, [file_id])
    # Another process was first to sweep the folder; this one has the file open still.
    other_cache = DebugFileCache(
        parts.cache._folder, tenant.service.shared.objects, limit_bytes=2**30
    )
    await CacheSweeper(tenant.database, other_cache).work()
    await CacheSweeper(tenant.database, parts.cache).work()
    files = await parts.cache.list_files()
    assert parts.cache.find(CacheKey(tenant.app.id, file_id, OBJECT_NAME)) is None
    assert (tenant.app.id, file_id) not in files
    assert (tenant.backend.id, other_id) in files
