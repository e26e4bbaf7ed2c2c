"""Messages through the outbox to real receivers: signed, retried, each by one sender."""

import asyncio
import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from app.alerts import targets
from app.alerts.composing.compose import MessageComposer
from app.alerts.metrics import MessageMetrics
from app.alerts.model import AlertRuleSettings, RuleKind, TargetKind
from app.alerts.monitor import OutboxMonitor
from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from app.messages import outbox, signals
from app.messages.model import AlertSignal, LoggedMessage, MessageState, SignalKind
from tests.support.builders.alerts import (
    ADDRESSES,
    add_finding,
    add_rule,
    add_target,
    make_sender,
)
from tests.support.servers.receivers import ReceivedRequest, serving_mail, serving_webhook
from tests.support.servers.server import keyed
from tests.support.waiting import PATIENCE_S, until


@pytest.fixture
async def project_id(database: Database) -> ProjectId:
    """A project."""
    return (await keyed(database, "Shop")).id


async def compose(database: Database) -> int:
    """Make the messages that are due."""
    return await MessageComposer(database, ADDRESSES).compose_due()


async def read_log(database: Database, project_id: ProjectId) -> list[LoggedMessage]:
    """Return the messages of a project, the oldest first."""
    async with database.reading() as connection:
        log = await outbox.list_messages(connection, project_id, before=None, limit=1_000)
    return log[::-1]


async def make_due(database: Database) -> None:
    """Let the pauses of all messages be over."""
    async with database.transaction() as connection:
        await connection.execute(
            text("update outbox_messages set due_at = now(), leased_until = null")
        )


def check_signature(request: ReceivedRequest, secret: str) -> bool:
    """Verify a request as the libraries of Standard Webhooks do."""
    key, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    assert abs(int(at) - clock.now().timestamp()) < 300
    signed = f"{key}.{at}.".encode() + request.body
    digest = hmac.new(base64.b64decode(secret[len("whsec_") :]), signed, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    return expected in request.headers["webhook-signature"].split(" ")


async def test_a_webhook_gets_a_signed_message(database: Database, project_id: ProjectId):
    """The body says what was found and why, and the signature is that of Standard Webhooks."""
    async with serving_webhook() as receiver:
        target = await add_target(database, project_id, receiver.url)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        await add_finding(database, rule, "240 errors in the last hour")
        assert await compose(database) == 1
        await make_sender(database).work()
        [request] = receiver.requests
        assert target.secret is not None
        assert check_signature(request, target.secret)
        body = request.json()
        assert body["type"] == "project.spike"
        assert body["data"]["project"] == {"id": str(project_id), "name": "Shop"}
        [item] = body["data"]["items"]
        assert (item["title"], item["why"], item["url"]) == (
            "240 errors in the last hour",
            "It is so.",
            "https://replays.example.com/projects",
        )
        [message] = await read_log(database, project_id)
        assert (message.state, message.tries) == (MessageState.SENT, 1)


async def test_while_a_secret_changes_both_sign(database: Database, project_id: ProjectId):
    """A receiver that has not got the new secret yet goes on."""
    async with serving_webhook() as receiver:
        target = await add_target(database, project_id, receiver.url)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        async with database.transaction() as connection:
            await targets.replace_secret(connection, target)
            changed = await targets.get_target(connection, project_id, target.id)
        await add_finding(database, rule, "spike")
        await compose(database)
        await make_sender(database).work()
        assert target.secret
        assert changed.secret
        assert target.secret != changed.secret
        assert check_signature(receiver.requests[0], target.secret)
        assert check_signature(receiver.requests[0], changed.secret)


async def test_a_message_is_sent_again_under_the_same_key(
    database: Database, project_id: ProjectId
):
    """After a fault it waits longer each time, and the receiver knows it by its id."""
    async with serving_webhook() as receiver:
        receiver.statuses = [500, 429, 302, 200]
        target = await add_target(database, project_id, receiver.url)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        await add_finding(database, rule, "spike")
        await compose(database)
        sender = make_sender(database)
        pauses = []
        for _ in range(4):
            await sender.work()
            await sender.work()  # it is not due yet, so nothing happens
            async with database.reading() as connection:
                row = (
                    await connection.execute(
                        text("select due_at - now() as pause, fault from outbox_messages")
                    )
                ).one()
                pauses.append(row.pause)
            await make_due(database)
        assert len(receiver.requests) == 4
        assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
        assert timedelta(seconds=4) < pauses[0] < pauses[1] < pauses[2]
        [message] = await read_log(database, project_id)
        assert (message.state, message.tries, message.fault) == (MessageState.SENT, 4, None)
        async with database.reading() as connection:
            target = await targets.get_target(connection, project_id, target.id)
        assert target.failing_since is None
        assert target.sent_at is not None


async def test_a_receiver_that_asks_for_a_pause_gets_it(database: Database, project_id: ProjectId):
    """`Retry-After` makes a pause longer, and at most an hour."""
    async with serving_webhook() as receiver:
        receiver.statuses, receiver.headers = [429], {"retry-after": "86400"}
        target = await add_target(database, project_id, receiver.url, TargetKind.SLACK)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        await add_finding(database, rule, "spike")
        await compose(database)
        await make_sender(database).work()
        [message] = await read_log(database, project_id)
        assert timedelta(minutes=59) < message.due_at - clock.now() < timedelta(minutes=67)


async def test_a_message_is_given_up_after_its_last_try(database: Database, project_id: ProjectId):
    """After three days and eleven tries the log says that it did not arrive, and why."""
    async with serving_webhook() as receiver:
        receiver.statuses = [503]
        target = await add_target(database, project_id, receiver.url)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        await add_finding(database, rule, "spike")
        await compose(database)
        sender = make_sender(database)
        for _ in range(15):
            await sender.work()
            await make_due(database)
        [message] = await read_log(database, project_id)
        assert (message.state, message.tries) == (MessageState.FAILED, 11)
        assert message.fault == "the receiver answered 503"
        assert len(receiver.requests) == 11


async def test_metrics_say_what_became_of_messages(database: Database, project_id: ProjectId):
    """Each try counts with its result, and what waits is read from the outbox of all processes."""
    metrics = MessageMetrics()
    registry = CollectorRegistry()
    for collector in metrics.collectors:
        registry.register(collector)

    def read(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"playhead_{name}", labels)

    def count(result: str) -> float | None:
        return read("messages_total", kind="alert", result=result)

    async with serving_webhook() as receiver:
        receiver.statuses = [503, 200, 410]
        target = await add_target(database, project_id, receiver.url)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        sender = make_sender(database, metrics=metrics)
        for number in range(2):
            await add_finding(database, rule, f"spike {number}")
            await compose(database)
        async with database.transaction() as connection:
            late = "update outbox_messages set due_at = now() - interval '5 min'"
            await connection.execute(text(late))
            await signals.add_signals(connection, [AlertSignal(project_id, SignalKind.CRASH)])
            await connection.execute(text("update signals set noted_at = now() - interval '1 h'"))
        await OutboxMonitor(database, metrics).work()
        assert read("messages_waiting") == 2
        assert 300 <= (read("messages_late_seconds") or 0) < 400
        assert 3_600 <= (read("alert_signals_oldest_seconds") or 0) < 3_700
        assert read("alert_targets_failing") == 0
        for _ in range(3):
            await sender.work()
            await make_due(database)
        assert (count("retried"), count("sent"), count("failed")) == (1, 1, 1)
        assert read("message_delay_seconds_count") == 1
        assert read("message_try_seconds_count", way="webhook") == 3
        await OutboxMonitor(database, metrics).work()
        assert (read("messages_waiting"), read("messages_late_seconds")) == (0, 0)


async def test_what_is_too_old_is_not_sent(database: Database, project_id: ProjectId):
    """After a backup was restored, or after days without a worker, old news stay here."""
    async with serving_webhook() as receiver:
        target = await add_target(database, project_id, receiver.url)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        await add_finding(database, rule, "spike")
        await compose(database)
        async with database.transaction() as connection:
            await connection.execute(
                text("update outbox_messages set made_at = made_at - interval '97 hours'")
            )
        await make_sender(database).work()
        [message] = await read_log(database, project_id)
        assert (message.state, message.fault) == (MessageState.FAILED, "it is too old by now")
        assert receiver.requests == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [(TargetKind.WEBHOOK, 410), (TargetKind.SLACK, 404), (TargetKind.SLACK, 403)],
)
async def test_a_target_that_is_gone_is_switched_off(
    database: Database, project_id: ProjectId, kind: TargetKind, status: int
):
    """Messages that wait for the target are cancelled, and it says why."""
    async with serving_webhook() as receiver:
        receiver.statuses = [status]
        target = await add_target(database, project_id, receiver.url, kind)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        for number in range(3):
            await add_finding(database, rule, f"spike {number}")
            await compose(database)
        await make_sender(database).work()
        async with database.reading() as connection:
            target = await targets.get_target(connection, project_id, target.id)
        assert not target.is_on
        assert target.fault == f"the receiver answered {status}"
        states = [message.state for message in await read_log(database, project_id)]
        assert states.count(MessageState.WAITING) == states.count(MessageState.SENT) == 0
        assert len(receiver.requests) <= 2


async def test_each_message_is_sent_by_one_of_many_senders(
    database: Database, project_id: ProjectId
):
    """Eight processes that look at the outbox at once send every message once."""
    async with serving_webhook() as receiver, serving_webhook() as other:
        chosen = [await add_target(database, project_id, url) for url in (receiver.url, other.url)]
        rule = await add_rule(
            database, project_id, RuleKind.SPIKE, *chosen, settings=AlertRuleSettings(hourly=1_000)
        )
        for number in range(25):
            await add_finding(database, rule, f"spike {number}")
            await compose(database)
        senders = [make_sender(database, process_id=f"{number:032x}") for number in range(8)]
        async with asyncio.timeout(PATIENCE_S):
            while any(
                message.state is MessageState.WAITING
                for message in await read_log(database, project_id)
            ):
                await asyncio.gather(*(sender.work() for sender in senders))
        for each in (receiver, other):
            assert len(each.requests) == 25
            assert len({request.headers["webhook-id"] for request in each.requests}) == 25


async def test_a_target_that_never_answers_does_not_hold_up_others(
    database: Database, project_id: ProjectId
):
    """One message to a target is on its way at a time."""
    async with serving_webhook() as silent, serving_webhook() as receiver:
        silent.is_silent = True
        stuck = await add_target(database, project_id, silent.url)
        good = await add_target(database, project_id, receiver.url)
        settings = AlertRuleSettings(hourly=1_000)
        slow = await add_rule(database, project_id, RuleKind.SPIKE, stuck, settings=settings)
        quick = await add_rule(database, project_id, RuleKind.SPIKE, good, settings=settings)
        for number in range(20):
            await add_finding(database, slow, f"slow {number}")
            await compose(database)
        await add_finding(database, quick, "quick")
        await compose(database)
        working = asyncio.create_task(make_sender(database).work())
        await until(lambda: bool(receiver.requests))
        assert len(silent.requests) <= 1
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_a_claim_of_a_dead_process_runs_out(database: Database, project_id: ProjectId):
    """Another process sends what a dead one had claimed, and the dead one cannot note anything."""
    async with serving_webhook() as receiver:
        target = await add_target(database, project_id, receiver.url)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        await add_finding(database, rule, "spike")
        await compose(database)
        dead = "d" * 32
        async with database.transaction() as connection:
            claimed = await outbox.claim_message(connection, dead)
            assert claimed is not None
        sender = make_sender(database)
        await sender.work()
        assert receiver.requests == []
        await make_due(database)
        await sender.work()
        assert len(receiver.requests) == 1
        async with database.transaction() as connection:
            assert not await outbox.note_end(connection, claimed, dead, MessageState.FAILED)
        [message] = await read_log(database, project_id)
        assert (message.state, message.tries) == (MessageState.SENT, 2)


async def test_mails_go_through_the_mail_server(database: Database, project_id: ProjectId):
    """An alert is a mail with text and HTML; nothing in a title becomes a tag."""
    with serving_mail() as receiver:
        target = await add_target(database, project_id, "team@example.com", TargetKind.MAIL)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        await add_finding(
            database, rule, "<b>Boom</b>\r\nBcc: eve@example.com", facts=[["Usual", "<1>"]]
        )
        await compose(database)
        await make_sender(database, receiver).work()
        [mail] = receiver.mails
        assert receiver.recipients == [["team@example.com"]]
        assert mail["subject"] == "Shop: <b>Boom</b> Bcc: eve@example.com"
        plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert plain is not None
        assert html is not None
        assert "https://replays.example.com/projects" in plain.get_content()
        assert "&lt;b&gt;Boom&lt;/b&gt;" in html.get_content()
        assert "<b>" not in html.get_content()


async def test_without_a_mail_server_the_log_says_so(database: Database, project_id: ProjectId):
    """A mail waits, since the setting may come."""
    target = await add_target(database, project_id, "team@example.com", TargetKind.MAIL)
    rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
    await add_finding(database, rule, "spike")
    await compose(database)
    await make_sender(database).work()
    [message] = await read_log(database, project_id)
    assert message.state is MessageState.WAITING
    assert "PLAYHEAD_SMTP_URL" in (message.fault or "")


async def test_slack_gets_text_that_wakes_nobody_up(database: Database, project_id: ProjectId):
    """Mentions, links and commands in a title are text."""
    async with serving_webhook() as receiver:
        target = await add_target(database, project_id, receiver.url, TargetKind.SLACK)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target)
        await add_finding(database, rule, "<!channel> & <https://evil.example|Log in> @here")
        await compose(database)
        await make_sender(database).work()
        [request] = receiver.requests
        sent = request.body.decode()
        assert "<!channel>" not in sent
        assert "<https://evil.example" not in sent
        assert "@here" not in sent
        assert "webhook-signature" not in request.headers
        body = request.json()
        assert body["attachments"][0]["title_link"] == "https://replays.example.com/projects"
