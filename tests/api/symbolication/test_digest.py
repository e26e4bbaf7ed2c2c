"""Events that come when their debug files are here, or not: named, grouped and stored clear."""

import asyncio
from typing import Any, override

import pytest
from sqlalchemy import text

from app.core.errors import ServiceUnavailable
from app.ingest.digest import symbolicate
from app.symbolication import event as event_module, found_files
from app.symbolication.event import TimeBudget
from app.symbolication.model import read_clear_event, unpack_symbolicated
from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.clear_events import (
    EVENT_ID,
    obfuscated_event,
    read_event,
    read_rows,
    upload_cached_mapping,
    upload_mapping,
)
from tests.support.renaming_family import DEBUG_ID, RenamingFamily, debug_meta
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_event_with_its_file_at_hand_is_stored_clear(tenant: Server, family: RenamingFamily):
    """Title, exception type and stack come from the file; the payload stays as sent."""
    file_id = await upload_cached_mapping(tenant)
    await tenant.take(obfuscated_event())
    row = await read_event(tenant)
    assert (row["exception_type"], row["title"]) == ("PaymentFailed", "PaymentFailed: declined")
    clear = read_clear_event(row["payload"], row["symbolicated"])
    assert clear["exception"]["values"][0]["stacktrace"]["frames"][0]["function"] == "pay"
    sent = read_clear_event(row["payload"], None)
    assert sent["exception"]["values"][0]["stacktrace"]["frames"][0]["function"] == "a"
    symbolicated = unpack_symbolicated(row["symbolicated"])
    assert [file.file_id for file in symbolicated.used] == [file_id]
    assert not symbolicated.is_pending
    (file,) = await read_rows(tenant, "debug_files")
    assert (file["last_used_day"], file["used_release"]) == (row["day"], row["release"])
    assert row["release"]
    assert await read_rows(tenant, "missing_files") == []
    assert await read_rows(tenant, "symbolication_queue") == []


async def test_clear_event_joins_the_issue_of_one_that_was_sent_clear(
    tenant: Server, family: RenamingFamily
):
    """Grouping goes by the clear names, so builds with other short names share an issue."""
    await upload_cached_mapping(tenant)
    clear = obfuscated_event("cd" * 16, function="pay", type_name="PaymentFailed", debug_meta={})
    await tenant.take(obfuscated_event(), clear)
    issues = await read_rows(tenant, "issues")
    assert [(issue["events"], issue["title"]) for issue in issues] == [
        (2, "PaymentFailed: declined")
    ]


async def test_event_without_its_file_says_what_it_misses(tenant: Server, family: RenamingFamily):
    """The event is stored as sent; the missing file is noted with it, and by file."""
    await tenant.take(obfuscated_event())
    row = await read_event(tenant)
    assert row["title"] == "x: declined"
    (missing,) = unpack_symbolicated(row["symbolicated"]).missing
    assert (missing.kind, missing.debug_id, missing.frames) == ("proguard", DEBUG_ID, 1)
    (noted,) = await read_rows(tenant, "missing_files")
    assert (noted["file_key"], noted["reason"], noted["day"]) == (
        DEBUG_ID,
        "not_uploaded",
        row["day"],
    )
    assert await read_rows(tenant, "symbolication_queue") == []


async def test_file_that_is_not_at_hand_is_left_to_a_worker(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """Digest does not wait for the store: the event is stored as sent, and waits in the queue."""
    await upload_mapping(tenant)
    cache = tenant.service.shared.symbolication.cache

    async def wait_for_ever(*_: Any) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(cache, "_fetch", wait_for_ever)
        patched.setattr(found_files, "_WAIT_S", 0.01)
        await tenant.take(obfuscated_event(), obfuscated_event("cd" * 16))
        for fetch in [*cache._fetches.values()]:
            fetch.cancel()
    row = await read_event(tenant)
    assert row["title"] == "x: declined"
    assert unpack_symbolicated(row["symbolicated"]).is_pending
    queued = await read_rows(tenant, "symbolication_queue")
    assert {waiting["event_id"].hex for waiting in queued} == {EVENT_ID, "cd" * 16}
    assert {(waiting["day"], waiting["tries"]) for waiting in queued} == {(row["day"], 0)}


async def test_first_event_after_an_upload_is_clear_at_once(tenant: Server, family: RenamingFamily):
    """A small file that the store has at hand comes in time for the first event."""
    await upload_mapping(tenant)
    await tenant.take(obfuscated_event())
    assert (await read_event(tenant))["title"] == "PaymentFailed: declined"
    assert await read_rows(tenant, "symbolication_queue") == []


@pytest.mark.parametrize("budget", [TimeBudget(-1.0, 60.0), TimeBudget(60.0, -1.0)])
async def test_event_over_the_budget_is_left_to_a_worker(
    tenant: Server,
    family: RenamingFamily,
    monkeypatch: pytest.MonkeyPatch,
    budget: TimeBudget,
):
    """An event that takes too long, or comes last in a long batch, is stored as sent."""
    monkeypatch.setattr(symbolicate, "AT_INGEST", budget)
    await upload_cached_mapping(tenant)
    await tenant.take(obfuscated_event())
    assert unpack_symbolicated((await read_event(tenant))["symbolicated"]).is_pending
    assert len(await read_rows(tenant, "symbolication_queue")) == 1


async def test_look_up_that_fails_delays_no_event(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """While debug files cannot be looked up, events are stored as sent and wait in the queue."""

    async def fail(*_: Any) -> None:
        raise ServiceUnavailable("Postgres does not answer")

    monkeypatch.setattr(event_module, "find_files", fail)
    await tenant.take(obfuscated_event())
    assert unpack_symbolicated((await read_event(tenant))["symbolicated"]).is_pending


async def test_batch_that_fails_is_left_to_a_worker(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """Whatever one event does to its batch, all of its events are tried again by a worker."""

    def fail(*_: Any) -> None:
        raise KeyError("an odd event")

    monkeypatch.setattr(symbolicate, "_make_rows", fail)
    await tenant.take(obfuscated_event())
    assert unpack_symbolicated((await read_event(tenant))["symbolicated"]).is_pending
    assert len(await read_rows(tenant, "symbolication_queue")) == 1


async def test_family_that_fails_costs_only_its_frames(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """An unexpected error of one family is logged, and the others go on."""

    class BrokenFamily(RenamingFamily):
        @override
        async def rewrite(self, *_: Any) -> None:
            raise KeyError("frames")

    await upload_cached_mapping(tenant)
    symbolicator = tenant.service.shared.symbolication.symbolicator
    monkeypatch.setattr(symbolicator, "_families", (BrokenFamily(), family))
    await tenant.take(obfuscated_event())
    assert (await read_event(tenant))["title"] == "PaymentFailed: declined"


async def test_second_delivery_notes_nothing(tenant: Server, family: RenamingFamily):
    """A duplicate is counted as one, and leaves missing files and the queue alone."""
    await tenant.take(obfuscated_event())
    before = await read_rows(tenant, "missing_files")
    await upload_mapping(tenant)
    await tenant.take(obfuscated_event())
    assert await read_rows(tenant, "missing_files") == before
    assert await read_rows(tenant, "symbolication_queue") == []


async def test_upload_between_look_up_and_commit_is_noticed(
    tenant: Server, family: RenamingFamily, monkeypatch: pytest.MonkeyPatch
):
    """A file that comes after its look-up and before the batch is committed is used soon."""
    look_up = found_files.find_files

    async def look_up_then_upload(*arguments: Any) -> Any:
        answers = await look_up(*arguments)
        await upload_mapping(tenant)
        return answers

    monkeypatch.setattr(event_module, "find_files", look_up_then_upload)
    await tenant.take(obfuscated_event())
    assert len(await read_rows(tenant, "symbolication_queue")) == 1


async def test_missing_files_go_with_their_event(tenant: Server, family: RenamingFamily):
    """Notes of missing files are deleted with their event; storage totals count its clear stack."""
    await upload_cached_mapping(tenant)
    other = obfuscated_event("cd" * 16, debug_meta=debug_meta("0-1"))
    await tenant.take(obfuscated_event(), other)
    rows = [await read_event(tenant), await read_event(tenant, "cd" * 16)]
    stored = sum(900 + len(row["payload"]) + len(row["symbolicated"]) for row in rows)
    totals = [row for row in await read_rows(tenant, "storage_days") if row["kind"] == "events"]
    assert [(row["items"], row["size_bytes"]) for row in totals] == [(2, stored)]
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("delete from events where project_id = :project"), {"project": tenant.app.id}
        )
    assert await read_rows(tenant, "missing_files") == []
    totals = [row for row in await read_rows(tenant, "storage_days") if row["kind"] == "events"]
    assert [(row["items"], row["size_bytes"]) for row in totals] == [(0, 0)]


async def test_event_without_debug_meta_is_not_looked_at(tenant: Server, family: RenamingFamily):
    """Events that name no debug files ask no family, and store no clear stack."""
    before = family.calls
    await tenant.take(envelopes.event_envelope(EVENT_ID, replay_id=None))
    assert (await read_event(tenant))["symbolicated"] is None
    assert family.calls == before


async def test_page_shows_the_clear_stack(tenant: Server, family: RenamingFamily):
    """The page of the event shows the clear names, and its issue is called after them."""
    await upload_cached_mapping(tenant)
    await tenant.take(obfuscated_event())
    path = f"/projects/{tenant.app.id}/events/{EVENT_ID}"
    answer = await tenant.web.get(path, follow_redirects=True)
    page = html_reader.parse_page(answer.text)
    assert "PaymentFailed" in page.text
    assert "pay" in page.text
