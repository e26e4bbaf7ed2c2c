"""Tests of the states of a replay page, each reached as in real life."""

import re

import pytest
from sqlalchemy import text

from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID, STARTED_MS
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def read_state(server: Server) -> str:
    """Return the state of the replay that its page gives to the script."""
    html = (await server.web.get(server.page(REPLAY_ID))).text
    state = re.search(r'data-state="(\w+)"', html)
    assert state
    return state[1]


async def age_replay(server: Server) -> None:
    """Move the arrival of the replay's last segment to ten minutes ago."""
    async with server.database.transaction() as connection:
        await connection.execute(
            text(
                "update replays set last_received_at = last_received_at - interval '10 minutes'"
                " where project_id = :project_id"
            ),
            {"project_id": server.app.id},
        )


async def report_loss(server: Server) -> None:
    """Send the SDK's report that it dropped four replay items."""
    lost = {"reason": "cache_overflow", "category": "replay", "quantity": 4}
    report = {"timestamp": STARTED_MS / 1000, "discarded_events": [lost]}
    await server.take(envelopes.envelope({}, envelopes.item("client_report", report)))


async def test_a_replay_is_live_and_then_over(tenant: Server):
    """A replay may grow while segments come, but not ten minutes after the last one.

    It was recorded in August, so the pages say that it is being uploaded, not that it is live.
    """
    await tenant.take(envelopes.replay_video_envelope())
    assert await read_state(tenant) == "live"
    for path in ("/replays", tenant.page(REPLAY_ID)):
        assert ">Uploading</span>" in (await tenant.web.get(path)).text
    await age_replay(tenant)
    assert await read_state(tenant) == "playing"


async def test_a_page_waits_for_video_and_then_shows_the_replay_without_it(tenant: Server):
    """The page says which segment came, and has everything but the pictures."""
    await tenant.take(envelopes.replay_video_envelope(video=None))
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert 'data-state="processing"' in html
    assert "Segment 0 was received" in html
    await age_replay(tenant)
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert 'data-state="no_video"' in html
    assert "Tap on pay_button" in html


async def test_the_page_says_why_a_video_cannot_be_played(tenant: Server):
    """The page keeps the segment in its list, marked with the reason."""
    await tenant.take(envelopes.replay_video_envelope(video=b"no video at all"))
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert "The video of segment 0 cannot be played (box at byte 0" in html
    await age_replay(tenant)
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert 'data-state="no_video"' in html
    assert "It cannot be played: box at byte 0" in html
    assert 'class="fault"' in html


async def test_a_missing_segment_is_listed_with_what_is_known(tenant: Server):
    """The segments panel names the segment, and what the SDK says it dropped."""
    await tenant.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(2))
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert "never arrived: lost on the phone, or still on its way" in html
    await report_loss(tenant)
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert "4 dropped by the SDK (cache_overflow)" in html
    assert "segment 1 never arrived" in html


async def test_a_replay_that_never_came_says_what_was_lost(tenant: Server):
    """The page speaks of lost items only if the SDK reported some."""
    before = await tenant.web.get(tenant.page(REPLAY_ID))
    assert before.status_code == 404
    assert "Replay items that this project lost" not in before.text
    await report_loss(tenant)
    after = await tenant.web.get(tenant.page(REPLAY_ID))
    assert "4 dropped by the SDK (cache_overflow)" in after.text
    assert f'href="/projects/{tenant.app.id}#outcomes"' in after.text


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("rule: 30 days", "by the rule “30 days” of its project"),
        ("person", "UTC</time>. Its video"),
    ],
)
async def test_the_page_of_a_deleted_replay_says_when_and_why(
    tenant: Server, reason: str, words: str
):
    """The page answers 410, and names the rule or the time of the deletion."""
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text(
                "insert into tombstones (project_id, replay_id, deleted_at, reason, segments,"
                " video_bytes) values (:project_id, cast(:replay_id as uuid), now(), :reason, 1, 1)"
            ),
            {"project_id": tenant.app.id, "replay_id": REPLAY_ID, "reason": reason},
        )
    answer = await tenant.web.get(tenant.page(REPLAY_ID))
    assert answer.status_code == 410
    assert words in answer.text


async def test_the_page_names_the_faults_of_an_old_sdk(tenant: Server):
    """Faults of masking stand with the masking, and all faults stand with the SDK."""
    sdk = {"name": "sentry.java.android", "version": "8.12.0"}
    await tenant.take(envelopes.replay_video_envelope(sdk=sdk))
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert html.count("text in Jetpack Compose views may not be masked") == 2
    assert "segments can be doubled or left out" in html


async def test_list_and_page_say_the_same_about_the_end_of_a_replay(tenant: Server):
    """The list and the page both say that the app was not responding at the end."""
    await tenant.take(
        envelopes.replay_video_envelope(),
        envelopes.event_envelope(
            level="error",
            exception={"values": [{"type": "ApplicationNotResponding", "value": "5 s",
                                   "mechanism": {"type": "ANR", "handled": False}}]},
        ),
    )  # fmt: skip
    await age_replay(tenant)
    assert "not responding</span>" in (await tenant.web.get("/replays")).text
    page = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    title = "The app reported at the end that it was not responding."
    assert f'title="{title}">Ended: not responding</a>' in page


async def test_the_replay_of_a_browser_never_waits_for_a_video(tenant: Server):
    """The page says what was recorded instead; while more arrives, the list calls it live."""
    await tenant.take(envelopes.web_replay_envelope())
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert await read_state(tenant) == "no_video"
    assert "Waiting for video" not in html
    assert "data-reload" not in html
    assert "A browser recorded the page itself (its DOM)." in html
    assert 'data-tone="live"' in (await tenant.web.get("/replays")).text
    assert "Ended:" not in html
    await age_replay(tenant)
    assert await read_state(tenant) == "no_video"
    assert "Ended:" in (await tenant.web.get(tenant.page(REPLAY_ID))).text


async def test_a_react_native_app_still_waits_for_its_video(tenant: Server):
    """The SDK of React Native is one of JavaScript too, but records the screen of a phone."""
    sdk = {"name": "sentry.javascript.react-native", "version": "7.0.0"}
    await tenant.take(envelopes.replay_video_envelope(0, video=None, sdk=sdk))
    assert await read_state(tenant) == "processing"
