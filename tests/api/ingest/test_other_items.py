"""Items that are neither replay nor error nor trace, over HTTP."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.core.ids import EventId, ReplayId, TraceId
from app.core.limits import LIMITS
from app.core.replay.replay_window import ReplayWindow
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
    """Return the window of the builders' replay, with changes."""
    defaults: dict[str, Any] = {
        "replay_id": ReplayId(REPLAY_ID),
        "trace_ids": frozenset({TraceId(TRACE_ID)}),
        "started_at": STARTED_AT,
        "ended_at": STARTED_AT + timedelta(seconds=5),
        "drift_ms": 0,
    }
    return ReplayWindow(**defaults | changes)


async def outcome_rows(server: Server) -> list[list[str]]:
    """Read the table of all outcomes on the project's page, without its days."""
    answer = await server.web.get(f"/projects/{server.app.id}")
    assert answer.status_code == 200
    table = html_reader.parse_page(answer.text).one("section", id="outcomes").all("tbody")[-1]
    return [[cell.text.strip() for cell in row.all("td")][1:] for row in table.all("tr")]


async def test_the_project_page_shows_what_an_sdk_dropped(tenant):
    """The report itself is kept, and the items it names are counted with the SDK's reason."""
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


async def test_a_malformed_client_report_is_refused(tenant):
    """A report that names no items changes no other count."""
    await tenant.take(envelopes.envelope({}, envelopes.item("client_report", {"reason": "x"})))
    assert await tenant.outcomes() == {("client_report", "refused", "malformed"): 1}


async def test_recorded_losses_are_counted(tenant):
    """The numbers are those that the newest Python SDK reported."""
    await delivery.deliver_family(tenant, "python-2.75-features")
    counts = await tenant.outcomes() + await tenant.outcomes(tenant.backend)
    dropped = {key: number for key, number in counts.items() if key[1] == "dropped_by_sdk"}
    assert dropped == {
        ("error", "dropped_by_sdk", "before_send"): 5,
        ("transaction", "dropped_by_sdk", "sample_rate"): 1,
    }


async def read_sessions(server: Server) -> dict[tuple[str, str], int]:
    """Read the counts of sessions by release and status."""
    async with server.database.reading() as connection:
        counts = await sessions.read_session_counts(
            connection, [server.app.id, server.backend.id], since=date(2026, 1, 1)
        )
    return {(key.release, key.status): number for key, number in counts.items()}


async def test_sessions_are_counted_by_release_and_status(tenant):
    """A session begins once and ends once, however often it is reported."""
    began, ended = (
        envelopes.envelope({}, envelopes.session_item(word)) for word in ("ok", "crashed")
    )
    await tenant.take(ended, began)
    await tenant.take(began, ended)
    assert await read_sessions(tenant) == {
        ("shop@4.2.0", "started"): 1,
        ("shop@4.2.0", "crashed"): 1,
    }
    assert await tenant.outcomes() == {
        ("session", "kept", ""): 1,
        ("session", "duplicate", ""): 3,
    }


async def test_aggregates_of_sessions_add_up(tenant):
    """Aggregates have no id, so that two equal ones count twice."""
    counts = {"aggregates": [{"started": "2026-08-06T07:06:00Z", "exited": 2}]}
    item = envelopes.item("sessions", counts | {"attrs": {"release": "api@1"}})
    await tenant.take(envelopes.envelope({}, item, item))
    assert await read_sessions(tenant) == {("api@1", "started"): 4, ("api@1", "exited"): 4}
    assert await tenant.outcomes() == {("sessions", "kept", ""): 2}


async def test_a_session_without_a_release_is_refused(tenant):
    """Sessions are counted by release, so these could not be counted."""
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
    """Sessions of every SDK count as begun and as ended, alone or in aggregates."""
    await delivery.deliver_family(tenant, family)
    counts = await read_sessions(tenant)
    assert {status: number for (_, status), number in counts.items()} == expected


async def read_feedback(server: Server, **changes: Any) -> list[FeedbackRecord]:
    """Read the feedback linked to the builders' replay."""
    async with server.database.reading() as connection:
        return await linked_feedback.read_feedback(
            connection, window(**changes), [server.app.id, server.backend.id]
        )


async def test_feedback_is_kept_once_and_linked_by_the_replay_it_names(tenant):
    """Message, name and address are stored, and a second delivery is a duplicate."""
    item = envelopes.feedback_item(replay_id=REPLAY_ID, associated_event_id=EVENT_ID)
    body = envelopes.envelope({"event_id": OTHER_ID}, item)
    await tenant.take(body, body)
    (feedback,) = await read_feedback(tenant, trace_ids=frozenset())
    assert (feedback.event_id, feedback.associated_event_id) == (OTHER_ID, EVENT_ID)
    assert (feedback.message, feedback.name, feedback.email) == (
        "paying fails",
        "Ada",
        "ada@example.com",
    )
    assert feedback.at == STARTED_AT
    assert await tenant.outcomes() == {
        ("feedback", "kept", ""): 1,
        ("feedback", "duplicate", ""): 1,
    }
    assert await read_feedback(tenant, replay_id=ReplayId(OTHER_ID)) == []


async def test_feedback_is_linked_by_its_trace_at_the_time_of_the_replay(tenant):
    """Neither the trace alone nor the time alone links feedback to a replay."""
    await tenant.take(envelopes.envelope({"event_id": OTHER_ID}, envelopes.feedback_item()))
    assert [feedback.event_id for feedback in await read_feedback(tenant)] == [OTHER_ID]
    assert await read_feedback(tenant, trace_ids=frozenset()) == []
    later = STARTED_AT + timedelta(hours=1)
    assert await read_feedback(tenant, started_at=later, ended_at=later) == []


async def test_a_user_report_belongs_to_the_replay_of_its_error(tenant):
    """The report may come before its error, and is stored once."""
    report = envelopes.envelope({"event_id": EVENT_ID}, envelopes.user_report_item())
    await tenant.take(report, report)
    assert await read_feedback(tenant) == []
    await tenant.take(envelopes.event_envelope())
    (feedback,) = await read_feedback(tenant)
    assert (feedback.message, feedback.associated_event_id) == ("it fails", EVENT_ID)
    assert await tenant.outcomes() == {
        ("user_report", "kept", ""): 1,
        ("user_report", "duplicate", ""): 1,
        ("event", "kept", ""): 1,
    }


async def test_feedback_is_scrubbed(tenant):
    """Card numbers are removed from both forms of feedback; the address for an answer stays."""
    await tenant.take(
        envelopes.envelope(
            {"event_id": OTHER_ID}, envelopes.feedback_item(f"my card {CARD}", replay_id=REPLAY_ID)
        ),
        envelopes.envelope({}, envelopes.user_report_item(comments=f"my card {CARD}")),
        envelopes.event_envelope(),
    )
    messages = await read_feedback(tenant)
    assert [(feedback.message, feedback.email) for feedback in messages] == [
        ("my card [Filtered]", "ada@example.com")
    ] * 2


async def test_feedback_without_words_is_refused(tenant):
    """Feedback items and user reports need a message."""
    await tenant.take(
        envelopes.envelope({}, envelopes.feedback_item("")),
        envelopes.envelope({}, envelopes.user_report_item(comments="")),
    )
    assert await tenant.outcomes() == {
        ("feedback", "refused", "malformed"): 1,
        ("user_report", "refused", "malformed"): 1,
    }


async def test_recorded_feedback_is_linked_to_its_replay(tenant):
    """Feedback that a person wrote in a browser names the replay."""
    await delivery.deliver_family(tenant, "web-session")
    (feedback,) = await read_feedback(
        tenant, replay_id=ReplayId("2d7445105ff6463bbda2e8af6722c479"), trace_ids=frozenset()
    )
    assert (feedback.message, feedback.email) == ("paying fails", "ada@example.com")


async def read_logs(server: Server, **changes: Any) -> list[StoredLog]:
    """Read the log records linked to the builders' replay."""
    async with server.database.reading() as connection:
        linked = await logs.read_logs_of_replay(
            connection, window(**changes), [server.app.id, server.backend.id]
        )
    return list(linked.logs)


async def test_each_record_of_a_log_is_kept_once(tenant):
    """A record that comes again with others is a duplicate; one without text is refused."""
    await tenant.take(
        envelopes.envelope({}, envelopes.log_item("one", "two")),
        envelopes.envelope({}, envelopes.log_item("one", "two", "")),
    )
    assert [(record.level, record.body) for record in await read_logs(tenant)] == [
        ("warn", "one"),
        ("warn", "two"),
    ]
    assert await tenant.outcomes() == {
        ("log", "kept", ""): 2,
        ("log", "duplicate", ""): 2,
        ("log", "refused", "malformed"): 1,
    }


async def test_logs_are_linked_by_replay_or_by_trace_and_time(tenant):
    """Records of backends are linked too, and a record of another replay is not."""
    ours = {"sentry.replay_id": REPLAY_ID}
    await tenant.take(
        envelopes.envelope({}, envelopes.log_item("named", trace_id=OTHER_ID, **ours)),
        envelopes.envelope({}, envelopes.log_item("other", **{"sentry.replay_id": OTHER_ID})),
    )
    await tenant.take(envelopes.envelope({}, envelopes.log_item("traced")), project=tenant.backend)
    assert {record.body for record in await read_logs(tenant)} == {"named", "traced"}
    later = STARTED_AT + timedelta(hours=1)
    assert [
        record.body for record in await read_logs(tenant, started_at=later, ended_at=later)
    ] == ["named"]
    async with tenant.database.reading() as connection:
        linked = await logs.read_logs_of_replay(connection, window(), [tenant.backend.id])
    assert [record.body for record in linked.logs] == ["traced"]


async def test_logs_are_scrubbed(tenant):
    """Text and attributes are scrubbed, and the id of the replay stays."""
    item = envelopes.log_item(
        f"paid with {CARD}", **{"sentry.replay_id": REPLAY_ID, "password": "hunter2-secret"}
    )
    await tenant.take(envelopes.envelope({}, item))
    (record,) = await read_logs(tenant, trace_ids=frozenset())
    assert record.body == "paid with [Filtered]"
    attributes = unpack_json(record.attributes)
    assert "hunter2-secret" not in str(attributes)
    assert attributes["sentry.replay_id"] == REPLAY_ID


@pytest.mark.parametrize("family", ["android-events-a", "node-11-features", "python-2.75-features"])
async def test_recorded_logs_are_kept(tenant, family):
    """All records that the SDK sent are kept."""
    requests = contents.requests(family)
    items = [item for request in requests for item in contents.envelope_of(request).items]
    records = sum(item.item_count or 0 for item in items if item.type == "log")
    assert records
    await delivery.deliver_family(tenant, family)
    counts = await tenant.outcomes() + await tenant.outcomes(tenant.backend)
    assert {key: number for key, number in counts.items() if key[0] == "log"} == {
        ("log", "kept", ""): records
    }


async def read_attachments(server: Server, event_id: str) -> Sequence[Attachment]:
    """Read the rows of an event's files."""
    async with server.database.reading() as connection:
        page = await attachments.read_attachments(connection, server.app.id, EventId(event_id))
    return page.rows


def read_object(server: Server, attachment: Attachment) -> bytes:
    """Read the bytes of a file."""
    return (server.folder / "objects" / attachment.object_key).read_bytes()


async def test_an_attachment_is_kept_once_before_its_event_or_after(tenant):
    """The key has the day, the event's id and the hash of the bytes; an empty file is kept too."""
    header = {"event_id": EVENT_ID}
    note = envelopes.attachment_item(b"a note\n")
    empty = envelopes.attachment_item(b"", filename="empty.bin")
    await tenant.take(envelopes.envelope(header, note, empty), envelopes.event_envelope())
    await tenant.take(envelopes.envelope(header, note))
    rows = await read_attachments(tenant, EVENT_ID)
    assert [(row.filename, row.size_bytes) for row in rows] == [("empty.bin", 0), ("notes.txt", 7)]
    assert [read_object(tenant, row) for row in rows] == [b"", b"a note\n"]
    for row in rows:
        assert row.object_key.startswith(f"{row.day}/f/{tenant.service.ingest.journal.id}/")
        assert row.object_key.endswith(f"-{tenant.app.id}-{EVENT_ID}-{row.sha256[:16]}")
    assert {row.attachment_type for row in rows} == {"event.attachment"}
    assert await tenant.outcomes() == {
        ("attachment", "kept", ""): 2,
        ("attachment", "duplicate", ""): 1,
        ("event", "kept", ""): 1,
    }


async def test_the_name_of_an_attachment_is_a_scrubbed_label(tenant):
    """A path is only a name, secrets are removed, and a file without a name is "unnamed"."""
    names = ["../../etc/passwd", f"bill {CARD}.txt", ""]
    items = [envelopes.attachment_item(name.encode(), filename=name) for name in names]
    await tenant.take(envelopes.envelope({"event_id": EVENT_ID}, *items))
    rows = await read_attachments(tenant, EVENT_ID)
    assert {row.filename for row in rows} == {
        "../../etc/passwd",
        "bill [Filtered].txt",
        "unnamed",
    }


async def test_an_attachment_needs_an_event_and_has_a_size_limit(tenant):
    """A file at the limit is kept; one byte more, or no event, and it is refused."""
    large = bytes(LIMITS.attachment_bytes)
    header = {"event_id": EVENT_ID}
    await tenant.take(
        envelopes.gzipped(envelopes.envelope(header, envelopes.attachment_item(large))),
        envelopes.gzipped(envelopes.envelope(header, envelopes.attachment_item(large + b"x"))),
        envelopes.envelope({}, envelopes.attachment_item()),
    )
    (row,) = await read_attachments(tenant, EVENT_ID)
    assert row.size_bytes == LIMITS.attachment_bytes
    assert await tenant.outcomes() == {
        ("attachment", "kept", ""): 1,
        ("attachment", "refused", "too_large"): 1,
        ("attachment", "refused", "malformed"): 1,
    }


async def test_recorded_attachments_are_kept(tenant):
    """Name, type and bytes are stored as the phone sent them."""
    await delivery.deliver_family(tenant, "android-events-a")
    rows = await read_attachments(tenant, "13bf4480f35e40da9dd6bc40d0391ee3")
    assert [(row.filename, row.content_type, row.size_bytes) for row in rows] == [
        ("notes.txt", "text/plain", 18),
        ("screenshot.png", "image/png", 2000),
    ]
    assert read_object(tenant, rows[0]) == b"line one\nline two\n"
