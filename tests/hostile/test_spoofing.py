"""H7: a key can only add to its own project, and reads, changes or moves nothing."""

import itertools
from typing import Any, Final

import pytest

from app.ingest.admission.token_buckets import TokenBuckets
from tests.support.builders import clips, envelopes
from tests.support.builders.wire import EVENT_ID, KEY, REPLAY_ID, compact
from tests.support.report import Report
from tests.support.servers.server import Keyed, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

OTHER_VIDEO: Final = clips.clip(frames=3, width=64, height=128)
BODIES: Final = {
    "segment": envelopes.replay_video_envelope(trace_id=None),
    "event": envelopes.event_envelope(),
    "transaction": envelopes.transaction_envelope(),
    "attachment": envelopes.event_envelope(more_items=[envelopes.attachment_item()]),
    "log": envelopes.envelope({"event_id": EVENT_ID}, envelopes.log_item("a")),
    "session": envelopes.envelope({"event_id": EVENT_ID}, envelopes.session_item()),
}
PROJECTS: Final = ("0", "-1", "1e0", "9" * 18, "9" * 19, "9" * 400, "%31", "1%00", "..", "\u0661")
IDS: Final = (
    REPLAY_ID.upper(),
    f"{REPLAY_ID[:8]}-{REPLAY_ID[8:12]}-{REPLAY_ID[12:16]}-{REPLAY_ID[16:20]}-{REPLAY_ID[20:]}",
    f" {REPLAY_ID} ",
    f"{{{REPLAY_ID}}}",
)
SEGMENT_IDS: Final = (-1, 65_536, 2**31, 2**63, 1.5, "0", "x", None, [0], True)


async def post(
    server: Server, to: Keyed, key: str, body: bytes, *, in_query: bool = False, path: str = ""
) -> int:
    """Post a body with any key and return the status."""
    headers = {} if in_query else {"X-Sentry-Auth": envelopes.auth_header(key)}
    query = f"?{envelopes.auth_query(key)}" if in_query else ""
    answer = await server.sender.post(
        f"{path or server.ingest_path(to)}{query}", content=body, headers=headers
    )
    return answer.status_code


async def read_state(server: Server, to: Keyed) -> dict[str, Any]:
    """Return what a project holds of the replay, and its outcomes that are kept."""
    kept = {key: n for key, n in (await server.outcomes(to)).items() if key[1] == "kept"}
    return {"replay": await server.dump(REPLAY_ID, to), "kept": kept}


async def test_a_key_opens_its_own_project_only(
    tenant: Server, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key adds nothing to another project, in either form of authentication."""
    # By default only ten of these a second from one address are refused with a reason.
    generous_buckets = TokenBuckets[str](1_000.0, 1_000.0)
    monkeypatch.setattr(tenant.service.ingest.admission.quotas, "_strangers", generous_buckets)
    state_before = await read_state(tenant, tenant.backend)
    for body, in_query in itertools.product(BODIES.values(), (False, True)):
        assert await post(tenant, tenant.backend, tenant.app.key, body, in_query=in_query) == 403
        report.round(cases=1)
    for in_query, key in itertools.product((False, True), (KEY, "f" * 32, "", "'; --", "%00")):
        status = await post(tenant, tenant.app, key, BODIES["event"], in_query=in_query)
        assert 400 <= status < 500, key
        report.round(cases=1)
    for project in PROJECTS:
        path = f"/api/{project}/envelope/"
        status = await post(tenant, tenant.app, tenant.app.key, BODIES["event"], path=path)
        assert 400 <= status < 500, project
        report.round(cases=1)
    await tenant.settled()
    assert await read_state(tenant, tenant.backend) == state_before
    assert (await read_state(tenant, tenant.app))["kept"] == {}


async def test_a_contradicting_dsn_is_refused(tenant: Server, report: Report) -> None:
    """An envelope whose DSN differs from that of its request is refused."""
    for key, project in (
        (tenant.backend.key, tenant.app.id),
        (tenant.app.key, tenant.backend.id),
        (tenant.backend.key, tenant.backend.id),
        (KEY, tenant.app.id),
    ):
        header = envelopes.envelope_header(dsn=f"https://{key}@a.example/{project}")
        body = envelopes.envelope(header, envelopes.item("event", {"event_id": EVENT_ID}))
        assert await post(tenant, tenant.app, tenant.app.key, body) == 403
        report.round(cases=1)
    await tenant.settled()
    assert (await read_state(tenant, tenant.app))["kept"] == {}


async def test_a_stored_segment_is_never_overwritten(tenant: Server, report: Report) -> None:
    """No form of the ids lets a later segment change the bytes of a stored one."""
    await tenant.take(BODIES["segment"])
    video = (await tenant.web.get(tenant.page(REPLAY_ID, "/segments/0.mp4"))).content
    dump_before = await tenant.dump(REPLAY_ID)
    for replay_id in (REPLAY_ID, *IDS):
        body = envelopes.replay_video_envelope(
            replay_id=replay_id, video=OTHER_VIDEO, trace_id=None
        )
        assert await post(tenant, tenant.app, tenant.app.key, body) in (200, 400)
        report.round(cases=1)
    for segment_id in SEGMENT_IDS:
        body = envelopes.replay_video_envelope(
            video=OTHER_VIDEO, trace_id=None, segment_id=7
        ).replace(b'"segment_id":7', b'"segment_id":' + compact(segment_id))
        assert await post(tenant, tenant.app, tenant.app.key, body) in (200, 400)
        report.round(cases=1)
    await tenant.settled()
    video_after = await tenant.web.get(tenant.page(REPLAY_ID, "/segments/0.mp4"))
    assert video_after.content == video
    segments = {
        segment["segment_id"]: segment for segment in (await tenant.dump(REPLAY_ID))["segments"]
    }
    assert segments[0] == dump_before["segments"][0]


async def test_one_id_in_two_projects_is_two_replays(tenant: Server, report: Report) -> None:
    """A replay id known from elsewhere gives no access to the replay that has it."""
    await tenant.take(BODIES["segment"])
    dump_before = await tenant.dump(REPLAY_ID)
    other = envelopes.replay_video_envelope(1, video=OTHER_VIDEO, trace_id=None)
    await tenant.take(other, project=tenant.backend)
    assert await tenant.dump(REPLAY_ID) == dump_before
    other_replay = await tenant.dump(REPLAY_ID, tenant.backend)
    assert [segment["segment_id"] for segment in other_replay["segments"]] == [1]
    report.round(cases=1)


async def test_a_key_reads_and_removes_nothing(tenant: Server, report: Report) -> None:
    """No endpoint answers a key with content, whatever the method."""
    await tenant.take(BODIES["segment"])
    dump_before = await tenant.dump(REPLAY_ID)
    pages = ("", "/index", "/stream", "/segments/0.mp4", "/delete")
    paths = [tenant.page(REPLAY_ID, page) for page in pages] + [
        "/replays",
        "/",
        tenant.ingest_path(),
    ]
    headers = {"X-Sentry-Auth": envelopes.auth_header(tenant.app.key)}
    headers |= {"Authorization": f"Bearer {tenant.app.key}"}
    for path, method in itertools.product(paths, ("GET", "PUT", "PATCH", "DELETE")):
        url = f"{path}?{envelopes.auth_query(tenant.app.key)}"
        answer = await tenant.sender.request(method, url, headers=headers)
        assert answer.status_code in (303, 307, 401, 403, 404, 405), (method, path)
        assert REPLAY_ID.encode() not in answer.content.replace(path.encode(), b"")
        report.round(cases=1)
    assert await tenant.dump(REPLAY_ID) == dump_before
