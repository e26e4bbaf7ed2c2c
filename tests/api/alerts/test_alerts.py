"""Alerts end to end: envelopes go in, messages come out of a whole server."""

import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text

from app.alerts.model import AlertRuleSettings, RuleKind, TargetKind
from app.core.ids import ProjectId, ReplayId
from app.playback.pictures import schedule
from app.replays.model import ReplayKey
from tests.api.ingest.test_canaries import FORMS, Canaries, make_envelopes
from tests.support.browsers import stranger
from tests.support.builders import envelopes
from tests.support.builders.alerts import add_rule, add_target
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, STARTED_MS
from tests.support.servers.receivers import WebhookReceiver, serving_webhook
from tests.support.servers.server import Server, running
from tests.support.waiting import until_asked

AT_ONCE = AlertRuleSettings(collect_min=0)
_BY_SIGNALS = (RuleKind.NEW_ISSUE, RuleKind.FIRST_CRASH, RuleKind.QUERY)


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    """A webhook of one's own."""
    async with serving_webhook() as started:
        yield started


@pytest.fixture
async def alerting(database_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server that may post to this machine, and does so when a test says `deliver`."""
    async with running(
        database_url, tmp_path, webhook_allowed_hosts=["127.0.0.1"], replay_quiet_s=0.2
    ) as server:
        # In the background they would take what a test wants to see delivered now.
        await server.service.work.alerts.worker.stop()
        await server.service.work.alerts.sender.stop()
        yield server


async def ask_for(
    server: Server,
    receiver: WebhookReceiver,
    *kinds: RuleKind,
    settings: AlertRuleSettings = AT_ONCE,
    project_id: ProjectId | None = None,
) -> None:
    """Let rules of the app's project tell the webhook, from now on."""
    to = project_id or server.app.id
    target = await add_target(server.database, to, receiver.url, TargetKind.WEBHOOK)
    for kind in kinds:
        await add_rule(server.database, to, kind, target, settings=settings)
    await server.service.shared.wanted.refresh()


async def deliver(server: Server) -> None:
    """Do at once what the workers do every two seconds."""
    await server.service.work.alerts.worker.work()
    await server.service.work.alerts.sender.work()


async def count_signals(server: Server) -> int:
    """Return how many signals wait to be judged."""
    async with server.database.reading() as connection:
        return await connection.scalar(text("select count(*) from signals")) or 0


async def test_a_new_crash_is_told_with_the_replay_before_it(
    alerting: Server, receiver: WebhookReceiver
):
    """The message names issue, release and counts, and opens the replay 15 s before the crash."""
    await ask_for(alerting, receiver, RuleKind.NEW_ISSUE)
    segments = [envelopes.replay_video_envelope(number) for number in range(5)]
    crash = envelopes.event_envelope(at_ms=STARTED_MS + 21_000, level="fatal")
    await alerting.take(*segments, crash)
    await deliver(alerting)
    [request] = receiver.requests
    body = request.json()
    assert body["type"] == "issue.new"
    [item] = body["data"]["items"]
    assert item["title"] == "IllegalStateException: Cart total is negative: -12.40"
    assert item["facts"]["Events"] == "1"
    assert item["facts"]["Release"] == item["release"]
    assert "has not been seen before" in item["why"]
    assert (item["event_id"], item["replay_id"]) == (EVENT_ID, REPLAY_ID)
    assert item["watch_url"] == f"{alerting.base_url}{alerting.page(REPLAY_ID)}?t=6"
    page = await alerting.web.get(item["url"].removeprefix(alerting.base_url))
    assert page.status_code == 200
    assert "IllegalStateException" in page.text
    # The same again is no news.
    await alerting.take(envelopes.event_envelope("e" * 32, level="fatal"))
    await deliver(alerting)
    assert len(receiver.requests) == 1


async def test_projects_without_rules_write_nothing(alerting: Server, receiver: WebhookReceiver):
    """Digest notes what the rules of a project ask for, and nothing of other projects."""
    await ask_for(alerting, receiver, RuleKind.NEW_ISSUE)
    await alerting.take(envelopes.event_envelope(), project=alerting.backend)
    assert await count_signals(alerting) == 0
    await alerting.take(envelopes.event_envelope())
    assert await count_signals(alerting) == 1


async def test_an_issue_that_comes_back_is_told(alerting: Server, receiver: WebhookReceiver):
    """Resolved in one release, seen again in a later one."""
    await ask_for(alerting, receiver, RuleKind.RETURNED_ISSUE)
    await alerting.take(envelopes.event_envelope(release="net.example.cart@1.0.0"))
    event = await alerting.web.get(f"/projects/{alerting.app.id}/events/{EVENT_ID}")
    issue = re.sub(r"/events/.*", "", event.headers["location"])
    await alerting.web.post(f"{issue}/status", data={"status": "resolved"})
    await alerting.take(envelopes.event_envelope("e" * 32, release="net.example.cart@1.0.0"))
    await deliver(alerting)
    assert receiver.requests == []
    await alerting.take(envelopes.event_envelope("f" * 32, release="net.example.cart@2.0.0"))
    await deliver(alerting)
    [request] = receiver.requests
    assert request.json()["type"] == "issue.returned"
    assert request.json()["data"]["items"][0]["release"] == "net.example.cart@2.0.0"


async def test_the_first_crash_of_a_release_is_told_once(
    alerting: Server, receiver: WebhookReceiver
):
    """Whatever issue it is: a new release gets one message, and errors that are handled none."""
    await ask_for(alerting, receiver, RuleKind.FIRST_CRASH)
    handled: dict[str, Any] = {
        "level": "warning",
        "exception": {"values": [{"type": "Handled", "value": "x"}]},
    }
    await alerting.take(
        envelopes.event_envelope("a" * 32, release="cart@1", level="fatal"),
        envelopes.event_envelope("b" * 32, release="cart@1", level="fatal"),
        envelopes.event_envelope("c" * 32, release="cart@3", **handled),
    )
    await deliver(alerting)
    await alerting.take(
        envelopes.event_envelope("d" * 32, release="cart@1", level="fatal"),
        envelopes.event_envelope("e" * 32, release="cart@2", level="fatal"),
    )
    await deliver(alerting)
    released = [
        item["release"] for request in receiver.requests for item in request.json()["data"]["items"]
    ]
    assert released == ["cart@1", "cart@2"]


async def test_a_rule_for_crashes_of_an_environment_leaves_others_out(
    alerting: Server, receiver: WebhookReceiver
):
    """Levels and environments that a rule does not ask for are no news."""
    settings = AlertRuleSettings(collect_min=0, only_crashes=True, environment="production")
    await ask_for(alerting, receiver, RuleKind.NEW_ISSUE, settings=settings)

    def crash(number: int, **changes: Any) -> bytes:
        thrown = {"values": [{"type": f"Error{number}", "value": "x"}]}
        return envelopes.event_envelope(f"{number:032x}", exception=thrown, **changes)

    await alerting.take(
        crash(1, level="fatal", environment="staging"),
        crash(2, level="warning", environment="production"),
        crash(3, level="fatal", environment="production"),
    )
    await deliver(alerting)
    [request] = receiver.requests
    assert [item["title"] for item in request.json()["data"]["items"]] == ["Error3: x"]


async def test_a_query_is_asked_when_a_replay_closes_and_when_a_late_crash_comes(
    alerting: Server, receiver: WebhookReceiver
):
    """A backend's crash that is linked to a closed replay lets its queries be asked again."""
    settings = AlertRuleSettings(collect_min=0, query="count_errors:>0")
    await ask_for(alerting, receiver, RuleKind.QUERY, settings=settings)

    async def is_closed() -> bool:
        async with alerting.database.reading() as connection:
            return bool(
                await connection.scalar(
                    text("select count(*) from replays where closed_at is not null")
                )
            ) and not await connection.scalar(text("select count(*) from open_replays"))

    await alerting.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(1))
    await until_asked(is_closed)
    await deliver(alerting)
    assert receiver.requests == []
    await alerting.take(envelopes.event_envelope(level="fatal"))
    await deliver(alerting)
    [request] = receiver.requests
    body = request.json()
    assert body["type"] == "replay.matched"
    [item] = body["data"]["items"]
    assert item["replay_id"] == REPLAY_ID
    assert item["why"] == "It matches “count_errors:>0”."
    assert item["url"].startswith(f"{alerting.base_url}{alerting.page(REPLAY_ID)}")
    # Another error in it is no news: a rule finds a replay once.
    await alerting.take(envelopes.event_envelope("e" * 32, level="fatal"))
    await deliver(alerting)
    assert len(receiver.requests) == 1


async def test_an_erased_replay_goes_from_messages(alerting: Server, receiver: WebhookReceiver):
    """Waiting messages are cancelled, sent ones lose their content, and the receipt counts both."""
    await ask_for(alerting, receiver, RuleKind.NEW_ISSUE)
    await alerting.take(envelopes.replay_video_envelope(0), envelopes.event_envelope(level="fatal"))
    await deliver(alerting)
    assert len(receiver.requests) == 1
    await alerting.web.post(alerting.page(REPLAY_ID, "/delete"))
    async with alerting.database.reading() as connection:
        row = (
            await connection.execute(text("select title, content, state from outbox_messages"))
        ).one()
        counts = await connection.scalar(text("select counts from erasures"))
    assert (row.title, row.content, row.state) == ("Erased", None, "sent")
    assert counts["messages"] == 1


async def test_a_picture_opens_for_strangers_until_it_is_taken_back(
    alerting: Server, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
):
    """An admin switches pictures on; each message has one, which its replay takes along."""
    monkeypatch.setattr(schedule, "QUIET", timedelta(0))
    path = f"/projects/{alerting.app.id}/alerts"
    await ask_for(alerting, receiver, RuleKind.NEW_ISSUE)
    await alerting.take(envelopes.replay_video_envelope(0))
    alerting.service.maker.notes.note([ReplayKey(alerting.app.id, ReplayId(REPLAY_ID))])
    await alerting.service.maker.step()
    answer = await alerting.web.post(f"{path}/pictures", data={"on": "yes"})
    assert answer.headers["location"] == f"{path}?done=alert-pictures-on"
    pictures = []
    for number in range(3):
        thrown = {"values": [{"type": f"Error{number}", "value": "x"}]}
        await alerting.take(envelopes.event_envelope(f"{number:032x}", exception=thrown))
        await deliver(alerting)
        [item] = receiver.requests[-1].json()["data"]["items"]
        pictures.append(item["picture_url"].removeprefix(alerting.base_url))
    assert "3 pictures can be opened now" in (await alerting.web.get(path)).text
    async with stranger(alerting) as nobody:

        async def ask() -> list[int]:
            return [(await nobody.get(each)).status_code for each in pictures]

        answer = await nobody.get(pictures[0])
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.format == "JPEG"
        assert await ask() == [200, 200, 200]
        await alerting.web.post(f"{path}/pictures", data={"on": "no"})
        assert await ask() == [410, 410, 410]
        await alerting.web.post(alerting.page(REPLAY_ID, "/delete"))
        assert await ask() == [404, 404, 404]
    async with alerting.database.reading() as connection:
        counted = await connection.execute(
            text("select action, count(*) from audit_lines where action like 'share_%' group by 1")
        )
        assert {row[0]: row[1] for row in counted} == {"share_made": 3, "share_viewed": 3}


async def test_what_was_found_about_an_erased_replay_is_not_told(
    alerting: Server, receiver: WebhookReceiver
):
    """Nothing leaves the server after the replay is gone."""
    settings = AlertRuleSettings(collect_min=60, query="has:video")
    await ask_for(alerting, receiver, RuleKind.QUERY, settings=settings)
    await alerting.take(envelopes.replay_video_envelope(0))

    async def is_found() -> bool:
        await alerting.service.work.alerts.worker.work()
        async with alerting.database.reading() as connection:
            return bool(await connection.scalar(text("select count(*) from alert_findings")))

    await until_asked(is_found)
    await alerting.web.post(alerting.page(REPLAY_ID, "/delete"))
    async with alerting.database.reading() as connection:
        assert await connection.scalar(text("select count(*) from alert_findings")) == 0


async def deliver_found(server: Server) -> None:
    """Let what was found be due, and send it."""
    await server.service.work.alerts.worker.work()
    async with server.database.transaction() as connection:
        await connection.execute(text("update alert_findings set due_at = now()"))
    await deliver(server)


async def test_one_form_leads_to_slack(alerting: Server, receiver: WebhookReceiver):
    """Paste an address, press a button: a crash that is new arrives there."""
    alerting.service.work.alerts.sender.start()  # the button waits for it
    path = f"/projects/{alerting.app.id}/alerts"
    page = await alerting.web.get(path)
    assert "Start alerts" in page.text
    form = {"kind": "slack", "address": receiver.url, "rule-new_issue": "yes", "test": "yes"}
    answer = await alerting.web.post(f"{path}/begin", data=form)
    assert answer.headers["location"] == f"{path}?done=alert-test-sent"
    [request] = receiver.requests
    assert "Alerts of App will arrive here" in request.json()["text"]
    await alerting.take(envelopes.event_envelope(level="fatal"))
    await deliver_found(alerting)

    async def has_arrived() -> bool:
        return len(receiver.requests) > 1

    await until_asked(has_arrived)
    body = receiver.requests[1].json()
    assert body["text"].startswith("*App: New issue: IllegalStateException")
    page = await alerting.web.get(path)
    assert "Test of 127.0.0.1" in page.text
    assert receiver.url not in page.text, "whoever knows the address can post there"
    assert (await alerting.web.get(f"{path}/log")).text.count("sent") >= 2


async def test_the_server_has_alerts_of_its_own(alerting: Server):
    """Its rules are about the server, and only its admins see them."""
    answer = await alerting.web.post(
        "/server/alerts/begin",
        data={"kind": "slack", "address": "https://hook.example/x", "rule-disk": "yes",
              "rule-new_issue": "yes"},
    )  # fmt: skip
    assert answer.headers["location"] == "/server/alerts?done=alert-begun"
    page = (await alerting.web.get("/server/alerts")).text
    assert "Disk is filling up" in page
    assert "within 7 days" in page
    async with alerting.database.reading() as connection:
        kinds = list(await connection.scalars(text("select kind from alert_rules")))
    assert kinds == ["disk"]


async def test_no_message_holds_what_was_scrubbed(alerting: Server, receiver: WebhookReceiver):
    """No message has any of the secrets that were sent, in any of their forms."""
    settings = AlertRuleSettings(collect_min=0, query="has:id OR count_errors:>=0", hourly=1_000)
    await ask_for(alerting, receiver, *_BY_SIGNALS, settings=settings)
    slack = await add_target(alerting.database, alerting.app.id, receiver.url, TargetKind.SLACK)
    for kind in _BY_SIGNALS:
        await add_rule(alerting.database, alerting.app.id, kind, slack, settings=settings)
    for form in FORMS[:6]:
        await alerting.take(*make_envelopes(Canaries(form)))

    async def is_judged() -> bool:
        await deliver(alerting)
        return any(
            b"replay.matched" in request.body for request in receiver.requests
        ) and not await count_signals(alerting)

    await until_asked(is_judged)
    bodies = b" ".join(request.body for request in receiver.requests)
    assert b"issue.new" in bodies
    assert re.findall(rb"kZ\d{4}q9w8e7", bodies) == []
