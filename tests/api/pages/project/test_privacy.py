"""Tests of the privacy rules of a project: their page, their trial, and what they do at ingest."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from app.audit import queries as audit
from app.formats.stored import packed_json
from app.issues.events import event_queries
from app.memberships.model import Role
from app.projects import privacy_rules
from tests.support.browsers import signed_in
from tests.support.builders import envelopes, recordings
from tests.support.builders.people import make_person
from tests.support.builders.wire import REPLAY_ID, STARTED_MS
from tests.support.html_reader import parse_page
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

RULES = {
    "version": "0",
    "emails_in_text": "on",
    "macs": "on",
    "sensitive": "customer\nnickname",
    "safe": "password_hint",
    "name-0": "employee number",
    "pattern-0": r"\bEMP-\d{6}\b",
}
TEXT = "EMP-123456 paid, customer=4711x, password_hint=mother, password=hunter22"
CLEAN = "[Filtered] paid, customer=[Filtered], password_hint=mother, password=[Filtered]"


@pytest_asyncio.fixture(loop_scope="session")
async def admin(tenant: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of an admin of the app's project."""
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person, role=Role.ADMIN) as browser:
        yield browser


def text_of(page: str) -> str:
    """Return the text of a page, with single blanks."""
    return " ".join(parse_page(page).text.split())


def path(tenant: Server, below: str = "") -> str:
    """Return the address of the project's privacy rules, or of a form in them."""
    return f"/projects/{tenant.app.id}/settings/privacy{below}"


async def send_error(tenant: Server, message: str = TEXT, **members: Any) -> None:
    """Send an error of its own issue with a message."""
    event: dict[str, Any] = {"message": message, "fingerprint": [uuid.uuid4().hex], **members}
    await tenant.take(envelopes.event_envelope(uuid.uuid4().hex, **event))


async def stored_events(tenant: Server) -> list[dict[str, object]]:
    """Return the last events of the project as they are stored."""
    async with tenant.database.reading() as connection:
        events = await event_queries.read_recent_events(connection, tenant.app.id, limit=20)
    return [packed_json.unpack_object(event.payload) for event in events]


async def actions(tenant: Server) -> list[tuple[str, str | None]]:
    """Return the lines of the audit log about privacy rules, the last one first."""
    async with tenant.database.reading() as connection:
        lines = await audit.list_audit_lines(connection, project_id=tenant.app.id)
    return [(line.action, line.subject) for line in lines if line.action.startswith("privacy")]


async def test_saved_rules_apply_to_what_arrives_next(tenant: Server, admin: httpx2.AsyncClient):
    """An event that comes after saving is scrubbed by the new rules before it is stored."""
    saved = await admin.post(path(tenant), data=RULES)
    assert saved.status_code == 303
    await send_error(tenant, extra={"nickname": "jo", "number": "EMP-123456"})
    (event,) = await stored_events(tenant)
    assert event["message"] == CLEAN
    assert event["extra"] == {"nickname": "[Filtered]", "number": "[Filtered]"}
    page = await admin.get(path(tenant))
    assert text_of(page.text).count("“employee number”") == 1
    assert await actions(tenant) == [("privacy_rules_changed", "1")]
    await send_error(tenant.of(tenant.backend), "EMP-123456")
    other = await stored_events(tenant.of(tenant.backend))
    assert other[0]["message"] == "EMP-123456", "another project has rules of its own"


async def test_the_page_shows_the_rules_as_saved(tenant: Server, admin: httpx2.AsyncClient):
    """The form holds what was saved, and the next save continues from its version."""
    await admin.post(path(tenant), data=RULES)
    page = (await admin.get(path(tenant))).text
    for piece in ('value="employee number"', r'value="\bEMP-\d{6}\b"', "customer\nnickname"):
        assert piece in page
    assert 'name="version" value="1"' in page
    assert (await admin.post(path(tenant), data={**RULES, "version": "1", "scrub_ip": "on"})
    ).status_code == 303  # fmt: skip
    page = text_of((await admin.get(path(tenant))).text)
    assert "IP addresses on" in page
    assert "sensitive name customer added" in page


async def test_rules_that_others_saved_meanwhile_are_not_overwritten(
    tenant: Server, admin: httpx2.AsyncClient
):
    """A form that began from an older version is refused, and keeps what was typed."""
    assert (await admin.post(path(tenant), data=RULES)).status_code == 303
    again = await admin.post(path(tenant), data={**RULES, "sensitive": "other"})
    assert again.status_code == 400
    assert "saved other rules meanwhile" in again.text
    assert ">other</textarea>" in again.text
    same = await admin.post(path(tenant), data={**RULES, "version": "1"})
    assert same.status_code == 400
    assert "nothing has changed" in same.text


async def test_a_trial_shows_each_field_before_and_after(tenant: Server, admin: httpx2.AsyncClient):
    """A trial marks what would go, escapes it, stores nothing, and leaves a line in the log."""
    await send_error(tenant, "<b>EMP-123456</b> & password=hunter22")
    await send_error(tenant, "nothing to see")
    trial = await admin.post(path(tenant, "/try"), data={**RULES, "text": '{"nickname": "<i>jo"}'})
    assert trial.status_code == 200
    assert "change 1 of 2 recent events" in trial.text
    assert "&lt;b&gt;<del>EMP-123456</del>&lt;/b&gt; &amp; password=[Filtered]" in trial.text
    assert "&lt;b&gt;<ins>[Filtered]</ins>&lt;/b&gt; &amp; password=[Filtered]" in trial.text
    assert "<del>&lt;i&gt;jo</del>" in trial.text
    assert "hunter22" not in trial.text, "what was removed when it was stored cannot be shown"
    assert [event["message"] for event in await stored_events(tenant)] == [
        "nothing to see",
        "<b>EMP-123456</b> & password=[Filtered]",
    ]
    assert await actions(tenant) == [("privacy_rules_tried", None)]
    async with tenant.database.reading() as connection:
        saved = await privacy_rules.find_saved_rules(connection, tenant.app.id)
    assert saved.version == 0


async def test_a_trial_without_events_tries_the_text_alone(
    tenant: Server, admin: httpx2.AsyncClient
):
    """A project without events says so; a text without a finding says that nothing changes."""
    trial = await admin.post(path(tenant, "/try"), data={**RULES, "text": "seen EMP-123456"})
    assert "no events and recordings to try the rules on" in trial.text
    assert "seen <del>EMP-123456</del>" in trial.text
    trial = await admin.post(path(tenant, "/try"), data={**RULES, "text": "fine"})
    assert "change nothing in it" in trial.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pattern-0": "("}, "attern “employee number”: this is not a pattern"),
        ({"pattern-0": "a*"}, "may match the empty text"),
        ({"pattern-0": "(.{0,100}){5}x"}, "too costly"),
        ({"name-0": ""}, "needs a name"),
        ({"sensitive": "\n".join(f"key{n}" for n in range(101))}, "at most 100"),
        ({"safe": "a=b"}, "is no name"),
        ({"version": "x"}, "names no version"),
        ({f"more-{n}": "" for n in range(130)}, "Max number of fields"),
        ({"text": "\0"}, "NUL"),
        ({"text": "x" * 70_000}, "65536 bytes"),
    ],
)
@pytest.mark.parametrize("below", ["", "/try"])
async def test_rules_that_cannot_be_used_are_refused_with_a_reason(
    tenant: Server, admin: httpx2.AsyncClient, below: str, change: dict[str, str], words: str
):
    """Neither saving nor trying takes them; the page says which part is wrong."""
    answer = await admin.post(path(tenant, below), data=RULES | change)
    assert answer.status_code in {400, 413}
    assert words in text_of(answer.text)
    assert await actions(tenant) == []


async def test_a_trial_reads_recent_recordings(tenant: Server, admin: httpx2.AsyncClient):
    """The first recordings of replays are tried as well, with the rules for taps."""
    at = STARTED_MS
    events = [
        recordings.meta(at),
        recordings.touch("start", at + 10, 5, 5),
        recordings.touch("end", at + 20, 5, 5),
        recordings.breadcrumb("console", at + 30, message="EMP-123456 <b>pays"),
    ]
    await tenant.take(envelopes.replay_video_envelope(0, events=events, urls=["PinActivity"]))
    trial = await admin.post(path(tenant, "/try"), data=RULES | {"keypads": "on"})
    text = text_of(trial.text)
    assert "These rules would change 1 of 1 recent recording." in text
    assert f"Replay {REPLAY_ID}, segment 0" in text
    assert "1 tap would be hidden." in text
    assert "<del>EMP-123456</del> &lt;b&gt;pays" in trial.text
    gestures = await admin.get(f"/projects/{tenant.app.id}/replays/{REPLAY_ID}/gestures")
    assert len(gestures.json()) == 1, "a trial changes nothing"


async def test_removals_are_counted_by_rule(tenant: Server, admin: httpx2.AsyncClient):
    """The counts hold over events, transactions, logs and replays, read quickly or not."""
    frames: list[dict[str, Any]] = [
        {"function": f"f{n}", "module": "net.example.Cart"} for n in range(40)
    ]
    frames[3]["vars"] = {"password": "hunter22"}
    stack = [{"type": "E", "value": "x", "stacktrace": {"frames": frames}}]
    for _ in range(3):  # the second and third have their stack from a cache
        await send_error(tenant, "jo@example.com", exception={"values": stack})
    async with tenant.database.reading() as connection:
        counts = await privacy_rules.list_removals(connection, tenant.app.id, days=30)
    assert {count.rule: count.quantity for count in counts} == {"email": 3, "sensitive-name": 3}
    assert "e-mail address" in text_of((await admin.get(path(tenant))).text).lower()


async def test_pages_name_what_was_removed(tenant: Server, admin: httpx2.AsyncClient):
    """The pages of an event and of a replay have a chip for each rule, with the fields."""
    await send_error(tenant, "jo@example.com", extra={"password": "hunter22"})
    payload = recordings.breadcrumb("console", message="pay for jo@example.com and al@example.com")
    await tenant.take(envelopes.replay_video_envelope(0, events=[payload]))
    issues = parse_page((await admin.get(f"/issues?project={tenant.app.id}")).text)
    (link,) = [a for a in issues.all("a", "href") if "/issues/" in a["href"]][:1]
    page = text_of((await admin.get(link["href"])).text)
    assert "Removed before it was stored: e-mail address 1 message" in page
    assert "secret by its name 1 extra.password" in page
    replay = await admin.get(f"/projects/{tenant.app.id}/replays/{REPLAY_ID}")
    assert "Removed before it was stored e-mail address 2" in text_of(replay.text)
    assert "hunter22" not in page + replay.text


async def test_unreadable_rules_let_no_text_through(tenant: Server, admin: httpx2.AsyncClient):
    """Rules that this release cannot read close the project's texts, and nothing else."""
    async with tenant.database.transaction() as connection:
        await connection.exec_driver_sql(
            "insert into privacy_rules (project_id, version, rules, saved_by)"
            f" values ({tenant.app.id}, 1, '{json.dumps({'newer': 1})}', 1)"
        )
    await tenant.service.page_services.rules.refresh()
    await send_error(tenant, "hello")
    (event,) = await stored_events(tenant)
    assert event["message"] == "[scrub failed]"
    assert (await admin.get(path(tenant))).status_code == 200
