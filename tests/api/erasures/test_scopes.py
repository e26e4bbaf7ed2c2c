"""Erasing a range of time, a whole project, and what a query of the list finds; legal holds."""

import re
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.errors import ServiceUnavailable
from app.core.ids import ReplayId
from app.db.project_rows import list_project_tables
from app.erasure.jobs.model import ErasureKind, ErasureState
from app.erasure.jobs.scopes import ProjectScope, RangeScope
from app.erasure.jobs.steps import KEPT_OF_PROJECTS
from app.messages import outbox
from app.messages.model import MessageKind, NewMessage
from app.replays.keeping import holds
from app.replays.model import ReplayKey
from app.storage.disk.local import LocalStore
from tests.api.pages.test_process_list import add_process
from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.builders.debug_files import make_debug_file, store_debug_file
from tests.support.builders.wire import REPLAY_ID
from tests.support.erasing import erase, list_all, wait_for_state
from tests.support.servers.server import Server
from tests.support.waiting import until

OTHER = "d" * 32
UUID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"


async def send_a_bit_of_everything(server: Server) -> None:
    """Send a replay, an error with a file and feedback, logs and spans."""
    header = envelopes.envelope_header(event_id=None, replay_id=None)
    await server.take(
        envelopes.replay_video_envelope(0),
        envelopes.event_envelope(
            more_items=[envelopes.attachment_item(), envelopes.feedback_item()]
        ),
        envelopes.transaction_envelope("b" * 32),
        envelopes.envelope(header, envelopes.log_item("one", "two")),
    )


async def count_rows(server: Server, table: str) -> int:
    """Count the rows of the app in a table."""
    async with server.database.reading() as connection:
        counted = await connection.scalar(
            text(f"select count(*) from {table} where project_id = :id"), {"id": server.app.id}
        )
    return int(counted or 0)


async def hold_replay(server: Server, replay_id: str, *, lasts: timedelta) -> None:
    """Put a replay under a legal hold."""
    async with server.database.transaction() as connection:
        await holds.add_hold(
            connection,
            [ReplayKey(server.app.id, ReplayId(replay_id))],
            name="Case 4",
            reason="a claim about a refund",
            expires_at=clock.now() + lasts,
            person_id=None,
        )


async def test_a_range_takes_what_was_received_in_it(server: Server):
    """Only the chosen kinds of data go, and only what was received in that time.

    A host that is silent for too long is not waited for; page and receipt say what that means.
    """
    await add_process(server, "door-3", age_s=600, backlog_entries=1_204)
    await send_a_bit_of_everything(server)
    split = clock.now()
    await server.take(envelopes.replay_video_envelope(0, replay_id=OTHER, trace_id="e" * 32))
    scope = RangeScope(split - timedelta(hours=1), split, ("replays", "logs"))
    erasure = await erase(server, ErasureKind.RANGE, scope)
    assert dict(erasure.counts) == {"replays": 1, "segments": 1, "logs": 2}
    page = (await server.web.get(f"/erasures/{erasure.id}")).text
    assert "<li><bdi>door-3</bdi>, last heard of" in page
    assert "1,204 envelopes waited in its journal" in page
    receipt = (await server.web.get(f"/erasures/{erasure.id}/receipt.json")).json()
    assert [host["host"] for host in receipt["does_not_cover"]] == ["door-3"]
    assert (await server.web.get(server.page(REPLAY_ID))).status_code == 410
    assert (await server.web.get(server.page(OTHER))).status_code == 200
    assert [await count_rows(server, table) for table in ("events", "logs")] == [1, 0]


async def test_a_project_goes_with_everything(server: Server, monkeypatch: pytest.MonkeyPatch):
    """The project is gone at once, and in the end no row and no object of it is left."""
    monkeypatch.setattr("app.erasure.jobs.worker.KEYS_KNOWN_FOR", timedelta(0))
    await send_a_bit_of_everything(server)
    await server.take(envelopes.replay_video_envelope(0, replay_id=OTHER), project=server.backend)
    files = [make_debug_file(project.id) for project in (server.app, server.backend)]
    for file in files:
        await store_debug_file(server.database, server.service.page_services.store, file, UUID)
    before = len(server.objects())
    path = f"/projects/{server.app.id}/erasures/project"
    question = await server.web.get(path)
    assert "1 replay" in question.text
    assert (await server.web.post(path, data={"name": "another"})).status_code == 400
    answer = await server.web.post(path, data={"name": "App"})
    assert answer.status_code == 303
    assert (await server.web.get(f"/projects/{server.app.id}")).status_code == 404
    assert (await server.web.get(server.page(REPLAY_ID))).status_code == 404
    (erasure,) = await list_all(server)
    await wait_for_state(server, erasure.id)
    left = {
        table.name: await count_rows(server, table.name)
        for table in list_project_tables(("view_log", "audit_lines", *KEPT_OF_PROJECTS[:8]))
        if "project_id" in table.c
    }
    assert {name: count for name, count in left.items() if count} == {}
    assert len(server.objects()) < before
    kept_files = [path for path in server.objects() if "/d/" in path.as_posix()]
    assert [files[1].file_id in path.as_posix() for path in kept_files] == [True]
    receipt = await server.web.get(f"/erasures/{erasure.id}")
    assert "Receipt" in receipt.text
    assert "1 debug file" in receipt.text
    async with server.database.reading() as connection:
        kept = await connection.scalar(text("select count(*) from replays"))
    assert kept == 1, "another project keeps its replay"


async def test_all_that_match_are_deleted_and_no_other(server: Server):
    """A query deletes what it finds on all pages; what comes after the question stays."""
    ids = [f"{number:032x}" for number in range(1, 61)]
    await server.take(
        *(
            envelopes.replay_video_envelope(
                0, replay_id=each, trace_id=each, video=None, user={"id": "many"}
            )
            for each in ids
        ),
        envelopes.replay_video_envelope(0, replay_id=OTHER, trace_id="e" * 32),
    )
    page = (await server.web.get("/replays?query=user.id:many")).text
    (href,) = re.findall(r'href="(/replays/matching/delete[^"]*)"', page)
    question = await server.web.get(href.replace("&amp;", "&"))
    assert "Delete all 60 replays that match?" in question.text
    hidden = html_reader.parse_page(question.text).all("input", type="hidden")
    fields = {field["name"]: field["value"] for field in hidden}
    late = envelopes.replay_video_envelope(0, replay_id="7" * 32, user={"id": "many"})
    await server.take(late)
    answer = await server.web.post("/replays/matching/delete", data=fields)
    assert answer.status_code == 303
    erasure = await wait_for_state(server, (await list_all(server))[0].id)
    assert (erasure.counts["replays"], erasure.summary["replays"]) == (60, 60)
    assert (await server.web.get(server.page("7" * 32))).status_code == 200
    assert (await server.web.get(server.page(OTHER))).status_code == 200
    again = await server.web.get("/replays/matching/delete?query=user.id:nobody")
    assert "No replay matches" in again.text
    assert (await server.web.get("/replays/matching/delete?query=duration:x")).status_code == 400


async def test_what_is_held_goes_when_the_hold_ends(server: Server):
    """The receipt names the hold, stays open while it lasts, and then closes by itself."""
    await server.take(
        envelopes.replay_video_envelope(0, user={"id": "person-1"}),
        envelopes.event_envelope(user={"id": "person-1"}),
        envelopes.replay_video_envelope(
            0, replay_id=OTHER, trace_id="e" * 32, user={"id": "person-1"}
        ),
    )
    await hold_replay(server, REPLAY_ID, lasts=timedelta(days=1))
    path = f"/projects/{server.app.id}/erasures/person"
    question = await server.web.post(path, data={"kind": "id", "value": "person-1"})
    assert "1 replay stays for now under a legal hold" in question.text
    answer = await server.web.post(path, data={"name": "id:person-1", "sure": "yes"})
    assert answer.status_code == 303
    (erasure,) = await list_all(server)
    held = await wait_for_state(server, erasure.id, ErasureState.HELD)
    assert held.counts["replays"] == 1
    assert (await server.web.get(server.page(REPLAY_ID))).status_code == 200
    assert (await server.web.get(server.page(OTHER))).status_code == 410
    assert await count_rows(server, "events") == 1, "what names a held replay stays with it"
    progress = (await server.web.get(f"/erasures/{erasure.id}")).text
    assert "Case 4" in progress
    assert "a claim about a refund" in progress
    async with server.database.transaction() as connection:
        await holds.release_hold(
            connection, ReplayKey(server.app.id, ReplayId(REPLAY_ID)), "Case 4"
        )
    done = await wait_for_state(server, erasure.id)
    assert (done.counts["replays"], done.counts["events"]) == (2, 1)
    assert (await server.web.get(server.page(REPLAY_ID))).status_code == 410
    receipt = (await server.web.get(f"/erasures/{erasure.id}/receipt.json")).json()
    (row,) = receipt["held_back"]
    assert (row["hold"], row["reason"]) == ("Case 4", "a claim about a refund")
    assert row["erased_at"]
    assert "person-1" not in str(receipt)


async def test_storage_that_does_not_answer_blocks_the_receipt_only(server: Server, monkeypatch):
    """The replay is gone at once; the receipt says what it waits for, and closes afterwards."""
    await server.take(envelopes.replay_video_envelope(0))

    async def fail(*_: object) -> None:
        raise ServiceUnavailable("the disk of the objects is away")

    with monkeypatch.context() as broken:
        for name in ("delete", "wipe", "list"):
            broken.setattr(LocalStore, name, fail)
        await server.web.post(server.page(REPLAY_ID, "/delete"))
        assert (await server.web.get(server.page(REPLAY_ID))).status_code == 410
        (erasure,) = await list_all(server)
        blocked = await wait_for_state(server, erasure.id, ErasureState.BLOCKED)
        assert blocked.problem == "the disk of the objects is away"
        progress = (await server.web.get(f"/erasures/{erasure.id}")).text
        assert "The disk of the objects is away." in progress
        assert server.objects()
    await wait_for_state(server, erasure.id)
    await until(lambda: not server.objects())


async def test_a_project_scope_needs_nothing_but_its_project(server: Server):
    """An empty project is erased too, and its messages are counted if they have left."""
    messages = [
        NewMessage(MessageKind.ALERT, title, {}, secrets.token_hex(16), project_id=server.app.id)
        for title in ("sent", "waits")
    ]
    async with server.database.transaction() as connection:
        sent, waiting = await outbox.add_messages(connection, messages)
        for statement, message_id in (
            ("update outbox_messages set state = 'sent' where id = :id", sent),
            ("update outbox_messages set due_at = now() + interval '1 h' where id = :id", waiting),
        ):
            await connection.execute(text(statement), {"id": message_id})
    erasure = await erase(server, ErasureKind.PROJECT, ProjectScope())
    assert dict(erasure.counts) == {"messages": 1}
    assert await count_rows(server, "outbox_messages") == 0
