"""Items that are neither replay nor error nor trace, over HTTP."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.core.ids import EventId, ReplayId, TraceId
from app.core.limits import LIMITS
from app.core.replay_window import ReplayWindow
from app.feedback.model import FeedbackRecord
from app.formats.stored.packed_json import unpack_json
from app.issues import attachments
from app.issues.model import Attachment
from app.playback.links import linked_feedback
from app.releases import sessions
from app.traces import logs
from app.traces.model import StoredLog
from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, STARTED_MS, TRACE_ID
from tests.support.recorded import contents, delivery
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


OTHER_ID = "c" * 32
STARTED_AT = datetime.fromtimestamp(STARTED_MS / 1000, UTC)
CARD = "4242 4242 4242 4242"


def window(**changes: Any) -> ReplayWindow:
    """Return the reach of the builders' replay, in one detail another."""
    usual: dict[str, Any] = {
        "replay_id": ReplayId(REPLAY_ID),
        "trace_ids": frozenset({TraceId(TRACE_ID)}),
        "started_at": STARTED_AT,
        "ended_at": STARTED_AT + timedelta(seconds=5),
        "drift_ms": 0,
    }
    return ReplayWindow(**usual | changes)


async def outcome_rows(server: Server) -> list[list[str]]:
    """Read the table of all outcomes on the project's page, without its days."""
    answer = await server.web.get(f"/projects/{server.app.id}")
    assert answer.status_code == 200
    table = html_reader.parse_page(answer.text).one("section", id="outcomes").all("tbody")[-1]
    return [[cell.text.strip() for cell in row.all("td")][1:] for row in table.all("tr")]


async def test_what_an_sdk_dropped_is_told_on_the_project_page(tenant):
    """The report itself is kept; what it tells of is counted in the SDK's words."""
    report = envelopes.client_report_item("cache_overflow", "replay")
    await tenant.take(envelopes.envelope({}, report), envelopes.envelope({}, report))
    assert await tenant.outcomes() == {
        ("client_report", "kept", ""): 2,
        ("replay", "dropped_by_sdk", "cache_overflow"): 2,
    }
    assert await outcome_rows(tenant) == [
        ["client_report", "kept", "", "2"],
        ["replay", "dropped by the SDK", "cache_overflow", "2"],
    ]


async def test_a_report_that_is_none_is_refused(tenant):
    """And changes no count."""
    await tenant.take(envelopes.envelope({}, envelopes.item("client_report", {"reason": "x"})))
    assert await tenant.outcomes() == {("client_report", "refused", "malformed"): 1}


async def test_recorded_losses_are_counted(tenant):
    """What the newest Python SDK said it dropped, number by number."""
    await delivery.deliver_family(tenant, "python-2.75-features")
    counts = await tenant.outcomes() + await tenant.outcomes(tenant.backend)
    dropped = {key: number for key, number in counts.items() if key[1] == "dropped_by_sdk"}
    assert dropped == {
        ("error", "dropped_by_sdk", "before_send"): 5,
        ("transaction", "dropped_by_sdk", "sample_rate"): 1,
    }


async def sessions_of(server: Server) -> dict[tuple[str, str], int]:
    """Read the counts of sessions by release and status."""
    async with server.database.reading() as connection:
        found = await sessions.read_session_counts(
            connection, [server.app.id, server.backend.id], since=date(2026, 1, 1)
        )
    return {(key.release, key.status): number for key, number in found.items()}


async def test_sessions_are_counted_by_release_and_status(tenant):
    """A session began once and ended once, however often that is told."""
    began, ended = (
        envelopes.envelope({}, envelopes.session_item(word)) for word in ("ok", "crashed")
    )
    await tenant.take(ended, began)
    await tenant.take(began, ended)
    assert await sessions_of(tenant) == {
        ("shop@4.2.0", "started"): 1,
        ("shop@4.2.0", "crashed"): 1,
    }
    assert await tenant.outcomes() == {
        ("session", "kept", ""): 1,
        ("session", "duplicate", ""): 3,
    }


async def test_aggregates_of_sessions_add_up(tenant):
    """They have no id: two of them are two."""
    counts = {"aggregates": [{"started": "2026-08-06T07:06:00Z", "exited": 2}]}
    item = envelopes.item("sessions", counts | {"attrs": {"release": "api@1"}})
    await tenant.take(envelopes.envelope({}, item, item))
    assert await sessions_of(tenant) == {("api@1", "started"): 4, ("api@1", "exited"): 4}
    assert await tenant.outcomes() == {("sessions", "kept", ""): 2}


async def test_a_session_of_no_release_is_refused(tenant):
    """There is nothing to count it for."""
    await tenant.take(
        envelopes.envelope({}, envelopes.item("session", {"status": "ok"})),
        envelopes.envelope({}, envelopes.item("sessions", {"aggregates": 7})),
    )
    assert await tenant.outcomes() == {
        ("session", "refused", "malformed"): 1,
        ("sessions", "refused", "malformed"): 1,
    }


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("android-anr-a", {"started": 1, "abnormal": 1}),
        ("rn-android-a", {"started": 1, "exited": 1}),
        ("node-7-express", {"started": 3, "exited": 2, "crashed": 1}),
        ("python-2.75-features", {"started": 1, "errored": 1}),
    ],
)
async def test_recorded_sessions_are_counted(tenant, family, expected):
    """Began, and ended as each SDK said, alone or in aggregates."""
    await delivery.deliver_family(tenant, family)
    found = await sessions_of(tenant)
    assert {status: number for (_, status), number in found.items()} == expected


async def feedback_of(server: Server, **changes: Any) -> list[FeedbackRecord]:
    """Read the feedback of the builders' replay."""
    async with server.database.reading() as connection:
        return await linked_feedback.read_feedback(
            connection, window(**changes), [server.app.id, server.backend.id]
        )


async def test_feedback_is_kept_once_and_linked_by_the_replay_it_names(tenant):
    """Who wrote what is stored; the second delivery is a duplicate."""
    item = envelopes.feedback_item(replay_id=REPLAY_ID, associated_event_id=EVENT_ID)
    body = envelopes.envelope({"event_id": OTHER_ID}, item)
    await tenant.take(body, body)
    (found,) = await feedback_of(tenant, trace_ids=frozenset())
    assert (found.event_id, found.associated_event_id) == (OTHER_ID, EVENT_ID)
    assert (found.message, found.name, found.email) == ("paying fails", "Ada", "ada@example.com")
    assert found.at == STARTED_AT
    assert await tenant.outcomes() == {
        ("feedback", "kept", ""): 1,
        ("feedback", "duplicate", ""): 1,
    }
    assert await feedback_of(tenant, replay_id=ReplayId(OTHER_ID)) == []


async def test_feedback_is_linked_by_its_trace_at_the_time_of_the_replay(tenant):
    """And not by the trace alone."""
    await tenant.take(envelopes.envelope({"event_id": OTHER_ID}, envelopes.feedback_item()))
    assert [one.event_id for one in await feedback_of(tenant)] == [OTHER_ID]
    assert await feedback_of(tenant, trace_ids=frozenset()) == []
    later = STARTED_AT + timedelta(hours=1)
    assert await feedback_of(tenant, started_at=later, ended_at=later) == []


async def test_a_user_report_belongs_to_the_replay_of_its_error(tenant):
    """Whichever of the two comes first; the same report is stored once."""
    report = envelopes.envelope({"event_id": EVENT_ID}, envelopes.user_report_item())
    await tenant.take(report, report)
    assert await feedback_of(tenant) == []
    await tenant.take(envelopes.event_envelope())
    (found,) = await feedback_of(tenant)
    assert (found.message, found.associated_event_id) == ("it fails", EVENT_ID)
    assert await tenant.outcomes() == {
        ("user_report", "kept", ""): 1,
        ("user_report", "duplicate", ""): 1,
        ("event", "kept", ""): 1,
    }


async def test_feedback_is_scrubbed(tenant):
    """Cards go, in both forms; the address somebody gave for an answer stays, as do ids."""
    await tenant.take(
        envelopes.envelope(
            {"event_id": OTHER_ID}, envelopes.feedback_item(f"my card {CARD}", replay_id=REPLAY_ID)
        ),
        envelopes.envelope({}, envelopes.user_report_item(comments=f"my card {CARD}")),
        envelopes.event_envelope(),
    )
    found = await feedback_of(tenant)
    assert [(one.message, one.email) for one in found] == [
        ("my card [Filtered]", "ada@example.com")
    ] * 2


async def test_feedback_without_words_is_refused(tenant):
    """In both forms."""
    await tenant.take(
        envelopes.envelope({}, envelopes.feedback_item("")),
        envelopes.envelope({}, envelopes.user_report_item(comments="")),
    )
    assert await tenant.outcomes() == {
        ("feedback", "refused", "malformed"): 1,
        ("user_report", "refused", "malformed"): 1,
    }


async def test_recorded_feedback_finds_its_replay(tenant):
    """What was written in the browser names the replay."""
    await delivery.deliver_family(tenant, "web-session")
    (found,) = await feedback_of(
        tenant, replay_id=ReplayId("2d7445105ff6463bbda2e8af6722c479"), trace_ids=frozenset()
    )
    assert (found.message, found.email) == ("paying fails", "ada@example.com")


async def logs_of(server: Server, **changes: Any) -> list[StoredLog]:
    """Read the log records of the builders' replay."""
    async with server.database.reading() as connection:
        found = await logs.read_logs_of_replay(
            connection, window(**changes), [server.app.id, server.backend.id]
        )
    return list(found.logs)


async def test_each_record_of_a_log_is_kept_once(tenant):
    """Delivered again, with others, it is a duplicate; a record without text is refused."""
    await tenant.take(
        envelopes.envelope({}, envelopes.log_item("one", "two")),
        envelopes.envelope({}, envelopes.log_item("one", "two", "")),
    )
    assert [(one.level, one.body) for one in await logs_of(tenant)] == [
        ("warn", "one"),
        ("warn", "two"),
    ]
    assert await tenant.outcomes() == {
        ("log", "kept", ""): 2,
        ("log", "duplicate", ""): 2,
        ("log", "refused", "malformed"): 1,
    }


async def test_logs_are_linked_by_replay_or_by_trace_and_time(tenant):
    """Those of a backend too; a record of another replay is no one else's."""
    ours = {"sentry.replay_id": REPLAY_ID}
    await tenant.take(
        envelopes.envelope({}, envelopes.log_item("named", trace_id=OTHER_ID, **ours)),
        envelopes.envelope({}, envelopes.log_item("other", **{"sentry.replay_id": OTHER_ID})),
    )
    await tenant.take(envelopes.envelope({}, envelopes.log_item("traced")), project=tenant.backend)
    assert {one.body for one in await logs_of(tenant)} == {"named", "traced"}
    later = STARTED_AT + timedelta(hours=1)
    assert [one.body for one in await logs_of(tenant, started_at=later, ended_at=later)] == [
        "named"
    ]
    async with tenant.database.reading() as connection:
        seen = await logs.read_logs_of_replay(connection, window(), [tenant.backend.id])
    assert [one.body for one in seen.logs] == ["traced"]


async def test_logs_are_scrubbed(tenant):
    """Text and attributes; what names the replay stays."""
    item = envelopes.log_item(
        f"paid with {CARD}", **{"sentry.replay_id": REPLAY_ID, "password": "hunter2-secret"}
    )
    await tenant.take(envelopes.envelope({}, item))
    (found,) = await logs_of(tenant, trace_ids=frozenset())
    assert found.body == "paid with [Filtered]"
    attributes = unpack_json(found.attributes)
    assert "hunter2-secret" not in str(attributes)
    assert attributes["sentry.replay_id"] == REPLAY_ID


@pytest.mark.parametrize("family", ["android-events-a", "node-11-features", "python-2.75-features"])
async def test_recorded_logs_are_kept(tenant, family):
    """As many records as the SDK said that it sent."""
    items = [item for one in contents.requests(family) for item in contents.envelope_of(one).items]
    records = sum(item.item_count or 0 for item in items if item.type == "log")
    assert records
    await delivery.deliver_family(tenant, family)
    counts = await tenant.outcomes() + await tenant.outcomes(tenant.backend)
    assert {key: number for key, number in counts.items() if key[0] == "log"} == {
        ("log", "kept", ""): records
    }


async def attachments_of(server: Server, event_id: str) -> Sequence[Attachment]:
    """Read the rows of an event's files."""
    async with server.database.reading() as connection:
        found = await attachments.read_attachments(connection, server.app.id, EventId(event_id))
    return found.rows


def object_of(server: Server, one: Attachment) -> bytes:
    """Read the bytes of a file."""
    return (server.folder / "objects" / one.object_key).read_bytes()


async def test_an_attachment_is_kept_once_before_its_event_or_after(tenant):
    """Under the event's id and the hash of its bytes; an empty file is a file."""
    header = {"event_id": EVENT_ID}
    note = envelopes.attachment_item(b"a note\n")
    empty = envelopes.attachment_item(b"", filename="empty.bin")
    await tenant.take(envelopes.envelope(header, note, empty), envelopes.event_envelope())
    await tenant.take(envelopes.envelope(header, note))
    found = await attachments_of(tenant, EVENT_ID)
    assert [(one.filename, one.size_bytes) for one in found] == [("empty.bin", 0), ("notes.txt", 7)]
    assert [object_of(tenant, one) for one in found] == [b"", b"a note\n"]
    prefix = f"p/{tenant.app.id}/e/{EVENT_ID}/"
    assert all(one.object_key == prefix + one.sha256[:16] for one in found)
    assert {one.attachment_type for one in found} == {"event.attachment"}
    assert await tenant.outcomes() == {
        ("attachment", "kept", ""): 2,
        ("attachment", "duplicate", ""): 1,
        ("event", "kept", ""): 1,
    }


async def test_the_name_of_an_attachment_is_a_scrubbed_label(tenant):
    """Paths name no file here, secrets go, and a nameless file has a word."""
    names = ["../../etc/passwd", f"bill {CARD}.txt", ""]
    items = [envelopes.attachment_item(name.encode(), filename=name) for name in names]
    await tenant.take(envelopes.envelope({"event_id": EVENT_ID}, *items))
    found = await attachments_of(tenant, EVENT_ID)
    assert {one.filename for one in found} == {
        "../../etc/passwd",
        "bill [Filtered].txt",
        "unnamed",
    }


async def test_an_attachment_needs_an_event_and_has_a_largest(tenant):
    """At the limit it is kept; one byte more, or no event, and it is refused."""
    large = bytes(LIMITS.attachment_bytes)
    header = {"event_id": EVENT_ID}
    await tenant.take(
        envelopes.gzipped(envelopes.envelope(header, envelopes.attachment_item(large))),
        envelopes.gzipped(envelopes.envelope(header, envelopes.attachment_item(large + b"x"))),
        envelopes.envelope({}, envelopes.attachment_item()),
    )
    (found,) = await attachments_of(tenant, EVENT_ID)
    assert found.size_bytes == LIMITS.attachment_bytes
    assert await tenant.outcomes() == {
        ("attachment", "kept", ""): 1,
        ("attachment", "refused", "too_large"): 1,
        ("attachment", "refused", "malformed"): 1,
    }


async def test_recorded_attachments_are_kept(tenant):
    """Name, type and bytes, as the phone sent them."""
    await delivery.deliver_family(tenant, "android-events-a")
    found = await attachments_of(tenant, "13bf4480f35e40da9dd6bc40d0391ee3")
    assert [(one.filename, one.content_type, one.size_bytes) for one in found] == [
        ("notes.txt", "text/plain", 18),
        ("screenshot.png", "image/png", 2000),
    ]
    assert object_of(tenant, found[0]) == b"line one\nline two\n"
