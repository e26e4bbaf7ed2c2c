"""Tests of the server's health in words, and of quarantine over all projects."""

import uuid
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import update

from app.audit import queries as audit
from app.core import clock
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.ingest import quarantine as ingest_quarantine
from app.journal.writer import OnSettled
from app.memberships.model import Role
from app.projects import (
    quarantine as quarantined,
    queries as projects,
    tables,
    writes as project_writes,
)
from app.projects.model import Outcome, OutcomeKey
from app.projects.quarantine import QuarantinedBody
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(tenant: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of an admin of the server."""
    email = f"admin-{uuid.uuid4().hex}@example.com"
    async with signed_in(
        tenant, await make_person(tenant.database, email, is_admin=True)
    ) as browser:
        yield browser


async def quarantine(
    tenant: Server,
    body: bytes,
    *,
    item_types: tuple[str, ...] = ("replay_video",),
    project_id: ProjectId | None = None,
    received_at: datetime | None = None,
) -> int:
    """Put an envelope into quarantine, with the outcomes that digest counts; return its id."""
    at = received_at or clock.now()
    owner = project_id or tenant.app.id
    async with tenant.database.transaction() as connection:
        keys = [
            OutcomeKey(owner, at.astimezone(UTC).date(), each, Outcome.REFUSED, "quarantined")
            for each in item_types
        ]
        await project_writes.add_outcomes(connection, dict.fromkeys(keys, 1))
        return await project_writes.add_quarantined(
            connection,
            owner,
            received_at=at,
            item_types=item_types,
            reason="ValueError: a <strange> box",
            body=zlib.compress(body, wbits=31),
            content_encoding="gzip",
        )


async def count_quarantined(tenant: Server) -> int:
    """Count the quarantined envelopes of the app's project."""
    async with tenant.database.reading() as connection:
        return len(await projects.list_quarantined(connection, tenant.app.id))


def retry_path(quarantined_id: int) -> str:
    """Return the address that digests an envelope again."""
    return f"/server/health/quarantine/{quarantined_id}/retry"


async def test_the_page_names_every_part_and_says_that_it_works(
    tenant: Server, admin: httpx2.AsyncClient
):
    """The page says in words everything that the metrics and /health/ready report."""
    await tenant.take(envelopes.event_envelope())
    page = html_reader.parse_page((await admin.get("/server/health")).text)
    checks = page.all("ul", class_="card checks")[0]  # a list of envelopes may follow
    parts = {row.all("h3")[0].text: row for row in checks.all("li")}
    assert set(parts) == {
        "Accepting", "Disk", "Digest", "Database", "Storage", "Quarantine", "Replays that end",
        "Pictures", "Connections", "Proxy", "Processes",
    }  # fmt: skip
    assert "accepted since the start" in parts["Accepting"].text
    assert "free on the disk" in parts["Disk"].text
    assert "open" in parts["Connections"].text
    assert {parts[name]["data-tone"] for name in ("Accepting", "Database", "Storage")} == {"good"}


async def test_quarantine_of_all_projects_is_listed_with_reasons_and_downloads(
    tenant: Server, admin: httpx2.AsyncClient
):
    """The list names the project, escapes the reason, and a download is logged."""
    body = envelopes.replay_video_envelope(0)
    quarantined_id = await quarantine(tenant, body)
    await quarantine(tenant, body, project_id=ProjectId(987_654_321))
    html = (await admin.get("/server/health")).text
    page = html_reader.parse_page(html).one("section", id="quarantine")
    assert "a <strange> box" in page.text
    assert "A project that is gone" in page.text
    download = f"/projects/{tenant.app.id}/quarantine/{quarantined_id}"
    assert page.all("a", href=download)
    assert (await admin.get(download)).status_code == 200
    async with tenant.database.reading() as connection:
        lines = await audit.list_audit_lines(connection, project_id=tenant.app.id)
    assert [line.action for line in lines][:1] == ["quarantine_downloaded"]


async def test_an_envelope_is_read_again_and_leaves_quarantine(
    tenant: Server, admin: httpx2.AsyncClient
):
    """Its replay is there, its items have one outcome, and the time of its arrival is the old."""
    received_at = clock.now()
    quarantined_id = await quarantine(
        tenant, envelopes.replay_video_envelope(0), received_at=received_at
    )
    assert (await tenant.web.get(tenant.page(REPLAY_ID))).status_code == 404
    answer = await admin.post(retry_path(quarantined_id))
    assert answer.headers["location"] == "/server/health?done=envelope-retried"
    await tenant.settled()
    assert (await tenant.web.get(tenant.page(REPLAY_ID))).status_code == 200
    assert await count_quarantined(tenant) == 0
    assert dict(await tenant.outcomes()) == {("replay_video", "kept", ""): 1}
    assert (await admin.post(retry_path(quarantined_id))).status_code == 404
    async with tenant.database.reading() as connection:
        (line, *_) = await audit.list_audit_lines(connection, project_id=tenant.app.id)
    assert (line.action, line.subject) == ("quarantine_retried", str(quarantined_id))


@pytest.mark.parametrize(
    ("body", "item_types"),
    [(b"\x00\xff not an envelope", ("event",)), (b"", ("event",)), (b'{"a": 1}\n', ("log",))],
)
async def test_an_envelope_that_cannot_be_read_any_more_stays(
    tenant: Server, admin: httpx2.AsyncClient, body: bytes, item_types: tuple[str, ...]
):
    """The page says why, and nothing is taken out."""
    quarantined_id = await quarantine(tenant, body, item_types=item_types)
    refused = await admin.post(retry_path(quarantined_id))
    assert refused.status_code == 400
    assert "cannot be read any more" in refused.text
    assert await count_quarantined(tenant) == 1
    later = html_reader.parse_page((await admin.get("/server/health")).text)
    assert "Trying again failed. It cannot be read" in later.one("section", id="quarantine").text
    assert (await admin.post(retry_path(quarantined_id))).status_code == 400  # somebody asks anew


async def test_an_event_of_an_old_endpoint_is_read_as_it_was(
    tenant: Server, admin: httpx2.AsyncClient
):
    """Quarantine does not keep the endpoint; the items say how the body is to be read."""
    body = b'{"event_id": "' + b"a" * 32 + b'", "message": "from the old endpoint"}'
    await admin.post(retry_path(await quarantine(tenant, body, item_types=("event",))))
    await tenant.settled()
    assert "from the old endpoint" in (await tenant.web.get("/issues")).text


async def test_only_admins_of_the_server_come_here(tenant: Server):
    """An owner of a project gets 403 for the page and for a retry."""
    quarantined_id = await quarantine(tenant, envelopes.replay_video_envelope(0))
    owner = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, owner, role=Role.OWNER) as browser:
        assert (await browser.get("/server/health")).status_code == 403
        assert (await browser.post(retry_path(quarantined_id))).status_code == 403
    assert await count_quarantined(tenant) == 1


async def test_a_journal_without_room_leaves_the_envelope_waiting(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch
):
    """The wish is kept, and carried out by itself as soon as the journal takes it."""
    retrier = tenant.service.ingest.retrier
    quarantined_id = await quarantine(tenant, envelopes.replay_video_envelope(0))

    async def refuse(*_args: object) -> None:
        raise ServiceUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(retrier, "_add_to_journal", refuse)
        answer = await admin.post(retry_path(quarantined_id))
        assert answer.headers["location"] == "/server/health?done=envelope-asked-for"
        assert await count_quarantined(tenant) == 1
    await retrier.work()
    await tenant.settled()
    assert await count_quarantined(tenant) == 0
    assert (await tenant.web.get(tenant.page(REPLAY_ID))).status_code == 200


async def test_an_unexpected_fault_holds_up_no_other_envelope(tenant: Server, monkeypatch):
    """It is logged and shown, and not tried again until somebody asks anew."""
    retrier = tenant.service.ingest.retrier
    body, types = envelopes.event_envelope(), ("event",)
    poison, good = [await quarantine(tenant, body, item_types=types) for _ in range(2)]
    add = retrier._add_to_journal

    async def fail_once(stored: QuarantinedBody, *args: Any) -> None:
        if stored.id == poison:
            raise ZeroDivisionError
        await add(stored, *args)

    async with tenant.database.transaction() as connection:
        for each in (poison, good):
            assert await quarantined.ask_for_retry(connection, each)
    with monkeypatch.context() as patched:
        patched.setattr(retrier, "_add_to_journal", fail_once)
        await retrier.work()
    async with tenant.database.reading() as connection:
        (left,) = await projects.list_quarantined(connection, tenant.app.id)
    assert (left.id, left.retry_asked_at) == (poison, None)
    assert left.retry_fault == "reading it again failed; the log of the server has the reason"


CLIENT_REPORT = envelopes.envelope(envelopes.envelope_header(), envelopes.client_report_item())
"""An envelope whose counts have no id, so that each time that it is digested adds them."""


async def test_a_slow_disk_reads_an_envelope_again_once(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch
):
    """The page does not wait for it, and neither the worker nor a second click repeats it."""
    ingest = tenant.service.ingest
    append = ingest.journal.append
    held: list[Callable[[], None]] = []

    def append_slowly(*, on_settled: OnSettled, **facts: Any) -> int:
        return append(on_settled=lambda error: held.append(partial(on_settled, error)), **facts)

    path = retry_path(await quarantine(tenant, CLIENT_REPORT, item_types=("client_report",)))
    with monkeypatch.context() as patched:
        patched.setattr(ingest.journal, "append", append_slowly)
        patched.setattr(ingest_quarantine, "_WAIT_S", 0.0)
        for _ in range(2):
            answer = await admin.post(path)
            assert answer.headers["location"] == "/server/health?done=envelope-asked-for"
            await until(lambda: bool(held))
        assert "is being read again" in (await admin.get("/server/health")).text
        await ingest.retrier.work()
    (settle,) = held
    settle()
    await ingest.retrier.stop()  # which waits for what has begun
    ingest.retrier.start()
    assert await count_quarantined(tenant) == 0
    await tenant.settled()
    assert (await tenant.outcomes())["client_report", "kept", ""] == 1


async def test_a_try_that_was_cut_off_is_not_repeated_until_somebody_asks(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch
):
    """Nobody can tell whether it was read, so the page says that, and the envelope stays."""
    retrier = tenant.service.ingest.retrier
    path = retry_path(await quarantine(tenant, CLIENT_REPORT, item_types=("client_report",)))

    async def fail(*_args: object) -> None:
        raise ServiceUnavailable("Postgres is away")

    with monkeypatch.context() as patched:
        patched.setattr(quarantined, "take_out", fail)
        await admin.post(path)
    await retrier.work()
    await tenant.settled()
    assert await count_quarantined(tenant) == 1
    assert (await tenant.outcomes())["client_report", "kept", ""] == 1
    async with tenant.database.transaction() as connection:
        await connection.execute(
            update(tables.quarantine).values(retry_asked_at=clock.now() - projects.RETRY_LEASE)
        )
    await retrier.work()
    assert "may have been read all the same" in (await admin.get("/server/health")).text
    answer = await admin.post(path)
    assert answer.headers["location"] == "/server/health?done=envelope-retried"
    await tenant.settled()
    assert (await tenant.outcomes())["client_report", "kept", ""] == 2


async def test_a_journal_that_keeps_nothing_for_an_hour_is_waited_for_no_longer(
    tenant: Server, monkeypatch
):
    """The row says why, and somebody may ask anew."""
    retrier = tenant.service.ingest.retrier
    quarantined_id = await quarantine(tenant, CLIENT_REPORT, item_types=("client_report",))

    async def refuse(*_args: object) -> None:
        raise ServiceUnavailable("the disk is full")

    async with tenant.database.transaction() as connection:
        await connection.execute(
            update(tables.quarantine)
            .where(tables.quarantine.c.id == quarantined_id)
            .values(retry_asked_at=clock.now() - timedelta(minutes=61))
        )
    with monkeypatch.context() as patched:
        patched.setattr(retrier, "_add_to_journal", refuse)
        await retrier.work()
    async with tenant.database.reading() as connection:
        (left,) = await projects.list_quarantined(connection, tenant.app.id)
    assert left.retry_asked_at is None
    assert left.retry_fault == "the journal does not take it: the disk is full"
