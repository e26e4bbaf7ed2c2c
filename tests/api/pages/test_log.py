"""Tests of the log of a project and of the server: lines, filters, pages and exports."""

import csv
import io
import json
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
import pytest_asyncio

from app.accounts import writes as accounts
from app.accounts.model import Person
from app.administration.audit_log import export_log, read_log
from app.audit import writes as audit
from app.audit.model import Action
from app.core.ids import ReplayId
from app.memberships.model import Role
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, TRACE_ID
from tests.support.html_reader import Element
from tests.support.page_routes import fill
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def ada(tenant: Server) -> Person:
    """A person with a name of this test's own."""
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with tenant.database.transaction() as connection:
        await accounts.rename_person(connection, person.id, f"Ada {person.id}")
    return replace(person, name=f"Ada {person.id}")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(tenant: Server, ada: Person) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of an admin of the project."""
    async with signed_in(tenant, ada, role=Role.ADMIN) as browser:
        yield browser


async def read_rows(
    browser: httpx2.AsyncClient, path: str, **query: str
) -> tuple[list[str], Element]:
    """Open a log; return the texts of its lines, and the page."""
    answer = await browser.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    page = html_reader.parse_page(answer.text)
    logs = page.all("ol", class_="card log")
    return [line.text for line in logs[0].all("li")] if logs else [], page


def log_path(tenant: Server) -> str:
    """Return the address of the project's log."""
    return f"/projects/{tenant.app.id}/log"


async def add_lines(tenant: Server, quantity: int, person: Person, *, label: str = "n") -> None:
    """Add lines to the log of the project, each in a transaction and so at a time of its own."""
    for number in range(quantity):
        async with tenant.database.transaction() as connection:
            await audit.add_audit_line(
                connection,
                Action.KEY_CHANGED,
                person_id=person.id,
                project_id=tenant.app.id,
                detail={label: number},
            )


async def test_each_look_and_download_is_a_line(tenant: Server, admin: httpx2.AsyncClient):
    """Whoever opens a replay, an issue, a trace or a file is in the log, once for each time."""
    good = await fill(tenant)
    project = f"/projects/{tenant.app.id}"
    replay = f"{project}/replays/{REPLAY_ID}"
    looks = {
        replay: "Watched a replay",
        f"{project}/issues/{good['issue_id']}": "Viewed an issue",
        f"/traces/{TRACE_ID}": "Viewed a trace",
        f"{project}/events/{EVENT_ID}/files/0": "Downloaded a file of an event",
        f"{replay}/requests.har": "Downloaded from a replay",
        f"{replay}/segments/0.mp4": "Downloaded from a replay",
    }
    for path, words in looks.items():
        before, _ = await read_rows(admin, log_path(tenant))
        assert (await admin.get(path)).status_code == 200, path
        after, _ = await read_rows(admin, log_path(tenant))
        assert len(after) == len(before) + 1, path
        assert words in after[0]
        assert "Ada" in after[0]
    _, page = await read_rows(admin, log_path(tenant))
    links = {link["href"] for link in page.one("ol").all("a")}
    assert {replay, f"{project}/issues/{good['issue_id']}", f"/traces/{TRACE_ID}"} <= links


async def test_lines_have_names_and_no_content(tenant: Server, admin: httpx2.AsyncClient):
    """Whose role was changed is told by name; what a user of the app did is not in the log."""
    eve = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, eve, role=Role.VIEWER):
        form = {"email": eve.email, "role": "member"}
        await admin.post(f"/projects/{tenant.app.id}/settings/members", data=form)
    await tenant.take(envelopes.replay_video_envelope(0))
    await admin.get(tenant.page(REPLAY_ID))
    rows, _ = await read_rows(admin, log_path(tenant))
    assert f"Set the role of a member: {eve.name}" in rows[1]
    assert "role: member" in rows[1]
    assert "user@" not in " ".join(rows)


async def test_pages_lead_both_ways_over_views_and_lines(
    tenant: Server, admin: httpx2.AsyncClient, ada: Person, monkeypatch: pytest.MonkeyPatch
):
    """Every line is on one page, in one order, forward and back, whichever table it is in."""
    monkeypatch.setattr(read_log, "PAGE_LINES", 3)
    await tenant.take(envelopes.replay_video_envelope(0))
    for _ in range(2):
        await add_lines(tenant, 2, ada)
        await admin.get(tenant.page(REPLAY_ID))
    # Two lines of one moment: both tables of one transaction.
    async with tenant.database.transaction() as connection:
        await audit.add_replay_view(
            connection, ada.id, tenant.app.id, replay_id=ReplayId(REPLAY_ID)
        )
        for _ in range(3):
            await audit.add_audit_line(
                connection, Action.KEY_ADDED, person_id=ada.id, project_id=tenant.app.id
            )
    forward: list[str] = []
    backward: list[str] = []
    path, last, pages = log_path(tenant), "", 0
    while path and pages < 9:
        rows, page = await read_rows(admin, path)
        forward += rows
        pages += 1
        following = page.all("a", rel="next")
        last, path = path, following[0]["href"] if following else ""
    assert len(forward) == 10
    assert pages == 4
    path = last
    while path and pages > 0:
        pages -= 1
        rows, page = await read_rows(admin, path)
        backward = rows + backward
        before = page.all("a", rel="prev")
        path = before[0]["href"] if before else ""
    assert sorted(backward) == sorted(forward)
    assert backward[-1] == forward[-1]


async def test_filters_by_person_kind_day_and_replay(
    tenant: Server, admin: httpx2.AsyncClient, ada: Person
):
    """Each filter leaves the lines that it names, and they go together."""
    eve = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    await tenant.take(envelopes.replay_video_envelope(0))
    await admin.get(tenant.page(REPLAY_ID))
    await add_lines(tenant, 2, eve)
    path = log_path(tenant)
    for query, expected in (
        ({"person": ada.name.upper()}, 1),
        ({"person": eve.name}, 2),
        ({"person": eve.email}, 0),
        ({"person": "%"}, 0),
        ({"kind": "view"}, 1),
        ({"kind": "project"}, 2),
        ({"kind": "sign-in"}, 0),
        ({"kind": "project", "person": ada.name}, 0),
        ({"replay": REPLAY_ID}, 1),
        ({"since": "2020-01-01", "until": "2199-12-31"}, 3),
        ({"until": "2020-01-01"}, 0),
        ({"since": "2199-12-31"}, 0),
    ):
        rows, page = await read_rows(admin, path, **query)
        assert len(rows) == expected, query
        if not expected:
            assert "No entry matches" in page.text
    for query in ({"since": "yesterday"}, {"until": "2026-13-01"}, {"replay": "x"}):
        answer = await admin.get(path, params=query)
        assert answer.status_code == 400
        assert "problem-box" in answer.text
        export = await admin.get(f"{path}/export/csv", params=query)
        assert export.status_code == 400


async def test_an_export_has_every_line_and_is_a_line_itself(
    tenant: Server, admin: httpx2.AsyncClient, ada: Person, monkeypatch: pytest.MonkeyPatch
):
    """Both forms have the same lines, read a part at a time; taking them is recorded."""
    monkeypatch.setattr(export_log, "PART_LINES", 2)
    await tenant.take(envelopes.replay_video_envelope(0))
    await admin.get(tenant.page(REPLAY_ID))
    await add_lines(tenant, 5, ada)
    query = {"person": ada.name, "kind": "project"}
    sheet = await admin.get(f"{log_path(tenant)}/export/csv", params=query)
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="playhead-log-[a-z0-9-]+\.csv"', sheet.headers["content-disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [json.loads(row["detail"])["n"] for row in rows] == [4, 3, 2, 1, 0]
    assert {row["person"] for row in rows} == {ada.name}
    assert {row["person_email"] for row in rows} == {""}, "for admins of the server alone"
    lines = [
        json.loads(line)
        for line in (await admin.get(f"{log_path(tenant)}/export/jsonl")).text.splitlines()
    ]
    assert [line["action"] for line in lines] == [
        *(["log_exported"] * 2), *(["key_changed"] * 5), "replay_viewed",
    ]  # fmt: skip
    assert lines[0]["detail"] == {"format": "jsonl"}
    assert lines[1]["detail"] == {"format": "csv", "person": "one", "kind": "project"}
    assert lines[-1]["subject"] == REPLAY_ID
    assert (await admin.get(f"{log_path(tenant)}/export/xlsx")).status_code == 404


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\uff1d"])
async def test_a_name_is_no_formula_in_a_spreadsheet(
    tenant: Server, admin: httpx2.AsyncClient, ada: Person, sign: str
):
    """A cell never begins with what a spreadsheet takes for a formula."""
    name = f"{sign}cmd|'/c calc'!A1"
    async with tenant.database.transaction() as connection:
        await accounts.rename_person(connection, ada.id, f"x{name}")
        await audit.add_audit_line(
            connection, Action.KEY_ADDED, person_id=ada.id, project_id=tenant.app.id, subject=name
        )
    sheet = await admin.get(f"{log_path(tenant)}/export/csv")
    cells = [cell for row in csv.reader(io.StringIO(sheet.text)) for cell in row]
    assert not [
        cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))
    ]
    assert any(cell.startswith("'") and "calc" in cell for cell in cells)


async def test_who_watched_a_replay_is_three_clicks_away(tenant: Server, admin: httpx2.AsyncClient):
    """The page of a replay leads its admins to all views and downloads of it."""
    await tenant.take(envelopes.replay_video_envelope(0))
    page = html_reader.parse_page((await admin.get(tenant.page(REPLAY_ID))).text)
    [link] = [a for a in page.all("a") if a.attributes.get("href", "").startswith(log_path(tenant))]
    rows, _ = await read_rows(admin, link["href"])
    assert len(rows) == 1
    assert "Watched a replay" in rows[0]
    eve = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, eve, role=Role.MEMBER) as member:
        assert log_path(tenant) not in (await member.get(tenant.page(REPLAY_ID))).text
