"""Tests of the reports of replays: what they hold, for whom, and what the log says."""

import pytest
import yaml  # type: ignore[import-untyped]  # the package carries no types
from sqlalchemy import text

from app.core.ids import ReplayId
from app.formats.stored import packed_json
from app.memberships.model import Role
from app.playback.recording import recorded_segments
from app.projects import writes as projects
from app.replays import queries
from app.replays.model import ReplayKey
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.recordings import breadcrumb, network_span, segment_events
from tests.support.builders.wire import REPLAY_ID, STARTED_MS
from tests.support.recorded.contents import conclusions
from tests.support.recorded.delivery import deliver_family
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def fetch(server: Server, name: str = "/report.md", *, replay_id: str, **query: str) -> str:
    """Fetch a file of a report."""
    answer = await server.web.get(server.page(replay_id, f"/report{name}"), params=query)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_report_tells_what_led_to_the_error(tenant: Server):
    """Device, steps with their moments, the crash, and the request that failed."""
    await deliver_family(tenant, "android-buffer-a")
    replay_id = find_replay_id("android-buffer-a")
    base = f"{tenant.base_url}{tenant.page(replay_id)}"
    report = await fetch(tenant, replay_id=replay_id)
    assert f"[Watch the replay]({base}?t=0)" in report
    lines = report.splitlines()
    step = next(line for line in lines if line.startswith("3. "))
    assert "Tap `btn_pay` on `CheckoutActivity`" in step
    assert step.startswith(f"3. [0:28]({base}?t=28.4)")
    assert any("`POST /api/pay` answers 500" in line for line in lines)
    assert any("**`POST http://127.0.0.1:9801/api/pay` 500, 30 ms**" in line for line in lines)
    assert "### Errors" in lines
    assert f"/projects/{tenant.app.id}/issues/" in report
    part = await fetch(tenant, replay_id=replay_id, **{"from": "0:27", "to": "0:32"})
    assert "This report is about 0:27 to 0:32 of it." in part
    assert f"[Watch the replay]({base}?t=27&in=27&out=32)" in part
    opened = await tenant.web.get(f"{tenant.page(replay_id)}?in=27&out=32")
    assert 'data-start-at-ms="27000"' in opened.text, "a range without a moment opens at its start"
    assert "Starts on `CheckoutActivity`." in part
    assert "product_cell" not in part
    flow = await fetch(tenant, "/maestro.yaml", replay_id=replay_id)
    _, commands = yaml.safe_load_all(flow)
    assert {"tapOn": {"id": "btn_pay"}} in commands
    steps = await fetch(tenant, "/steps.txt", replay_id=replay_id)
    assert "3. [0:28] Tap “btn_pay” on “CheckoutActivity”." in steps


async def test_report_of_a_range_has_its_end_too(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """A range that begins in what is read at once and ends after it is read to its end."""
    for number in range(8):
        at_ms = STARTED_MS + number * 5_000
        span = network_span(at_ms, at_ms + 240, url=f"https://api.example.net/{number}")
        await tenant.take(envelopes.replay_video_envelope(number, events=[span]))
    async with tenant.database.reading() as connection:
        replay = await queries.find_replay(
            connection, ReplayKey(tenant.app.id, ReplayId(REPLAY_ID))
        )
        assert replay is not None
        segments = await recorded_segments.read_rows(connection, replay)
    sizes = [packed_json.read_first_text_bytes(each.recording or b"") for each in segments]
    monkeypatch.setattr(recorded_segments, "MOST_BYTES", 7 * max(sizes))
    report = await fetch(tenant, replay_id=REPLAY_ID, **{"from": "20500", "to": "36000"})
    assert "https://api.example.net/5" in report
    assert "https://api.example.net/7" in report
    assert "https://api.example.net/4" not in report


async def test_report_of_a_range_has_a_picture_before_the_replay_has_one(
    tenant: Server, monkeypatch: pytest.MonkeyPatch
):
    """The moment is drawn when somebody looks at it, unless this server draws no pictures."""
    await tenant.take(envelopes.replay_video_envelope(0))
    part = {"from": "1050", "to": "2000"}
    settings = vars(tenant.service.page_services.settings)
    monkeypatch.setitem(settings, "pictures", False)
    assert "[Picture]" not in await fetch(tenant, replay_id=REPLAY_ID, **part)
    monkeypatch.setitem(settings, "pictures", True)
    picture = (
        f"[Picture]({tenant.base_url}{tenant.page(REPLAY_ID, '/pictures/moment.webp')}?t=1.05)"
    )
    assert picture in await fetch(tenant, replay_id=REPLAY_ID, **part)
    assert "[Picture]" not in await fetch(tenant, replay_id=REPLAY_ID)


async def test_page_shows_each_file(tenant: Server):
    """The page has the texts themselves, so that it needs no script."""
    await deliver_family(tenant, "ios-session-a")
    replay_id = find_replay_id("ios-session-a")
    page = (await tenant.web.get(tenant.page(replay_id, "/report"))).text
    for name in ("report.md", "steps.txt", "maestro.yaml", "RecordedStepsTests.swift"):
        assert f'download="{name}"' in page
    assert "RecordedStepsTest.kt" not in page
    kotlin = await tenant.web.get(tenant.page(replay_id, "/report/RecordedStepsTest.kt"))
    assert kotlin.status_code == 404
    other = await tenant.web.get(tenant.page(replay_id, "/report/passwd"))
    assert other.status_code == 404


async def test_report_is_a_download_in_the_log(tenant: Server):
    """Who takes a report is noted with the file, and no content."""
    await tenant.take(envelopes.replay_video_envelope(0))
    answer = await tenant.web.get(tenant.page(REPLAY_ID, "/report/report.md"))
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="report.md"'
    assert "no-store" in answer.headers["cache-control"]
    async with tenant.database.reading() as connection:
        (detail,) = await connection.scalars(
            text(
                "select detail from audit_lines where action = 'replay_downloaded'"
                " and project_id = :project_id"
            ),
            {"project_id": tenant.app.id},
        )
    assert detail == {"what": "report.md"}


@pytest.mark.parametrize("file", ["", "/report.md", "/steps.txt", "/maestro.yaml"])
async def test_report_holds_nothing_that_was_removed_or_hidden(tenant: Server, file: str):
    """Secrets are gone before anything is stored; bodies are in no report; nor is the user."""
    secret, body, user = "hunter2canary", "body-canary", "mira@canary.example"
    span = network_span(
        STARTED_MS + 1_000,
        url=f"https://api.example/pay?password={secret}&for={user}",
        statusCode=500,
        request={"body": body, "headers": {"Authorization": f"Bearer {secret}"}},
        response={"body": {"password": secret, "note": body}},
    )
    tap = breadcrumb("ui.tap", STARTED_MS + 900, message=f"password={secret}")
    await tenant.take(
        envelopes.replay_video_envelope(
            0, events=[*segment_events(), tap, span], user={"email": user}
        )
    )
    async with tenant.database.transaction() as connection:
        await projects.set_viewers_see_bodies(connection, tenant.app.id, is_allowed=False)
    viewer = await make_person(tenant.database, f"v{file[1:4]}@canary.example")
    async with signed_in(tenant, viewer, role=Role.VIEWER) as web:
        answer = await web.get(tenant.page(REPLAY_ID, f"/report{file}"))
    assert answer.status_code == 200
    assert secret not in answer.text
    assert body not in answer.text
    if file:
        assert user not in answer.text


async def test_report_of_a_deleted_replay_says_so(tenant: Server):
    """410 with its deletion, 404 for one that never came, 400 for a range after the end."""
    await tenant.take(envelopes.replay_video_envelope(0))
    late = await tenant.web.get(
        tenant.page(REPLAY_ID, "/report"), params={"from": "99000", "to": "99001"}
    )
    assert late.status_code == 400
    await tenant.web.post(tenant.page(REPLAY_ID, "/delete"))
    for path in ("/report", "/report/report.md"):
        assert (await tenant.web.get(tenant.page(REPLAY_ID, path))).status_code == 410
        assert (await tenant.web.get(tenant.page("d" * 32, path))).status_code == 404


def find_replay_id(family: str) -> str:
    """Return the id of the replay of a recorded family."""
    replay_id: str = conclusions(family)["replays"][0]["replay_id"]
    return replay_id
