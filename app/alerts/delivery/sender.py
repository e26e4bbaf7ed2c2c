"""Sends the messages of the outbox. Any number of processes share the work; each claims its own.

    claim (commit) ─► send ─┬─► sent
                            ├─► later, after a pause
                            └─► given up: the receiver refuses for good, or the last try failed

If a process dies between sending a message and noting that, another one sends it again once the
claim has run out. The receiver recognises the second copy by `webhook-id` or Message-ID.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any, ClassVar, Final, override

from app.accounts import links, queries as accounts
from app.accounts.model import Person, PersonOrigin
from app.alerts import targets
from app.alerts.composing.addresses import MessageAddresses
from app.alerts.composing.content import AlertContent
from app.alerts.delivery import mails, retrying, slack, webhook
from app.alerts.delivery.pictures import add_pictures
from app.alerts.metrics import DeliveryWay, MessageMetrics
from app.alerts.model import AlertTarget, TargetKind
from app.core import clock, log
from app.core.errors import DeliveryFailed, NotFound, ServiceUnavailable
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.mail.server import Mailer, OutgoingMail
from app.messages import outbox
from app.messages.model import MessageKind, MessageState, OutgoingMessage
from app.outbound.client import OutboundClient

_AT_ONCE: Final = 8
"""Messages that one process sends at the same time; sending is nearly all waiting."""
_GONE: Final = frozenset({HTTPStatus.GONE})
_GONE_SLACK: Final = frozenset({HTTPStatus.GONE, HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN})
"""The statuses with which Slack answers if a webhook or its channel no longer exists."""

_MessageForm = dict[str, Any] | OutgoingMail
"""A message in the form of its target: the JSON of a request, or a mail."""

_logger: Final = log.get_logger("alerts.delivery")


class TargetGone(DeliveryFailed):
    """The target answers that it will never accept messages again."""


class MessageSender(RepeatedWorker):
    """Sends the messages of the outbox in the background."""

    package: ClassVar[str] = "alerts.delivery"
    pause_s = 2.0
    waiting_message: ClassVar[str] = "messages wait"
    failure_message: ClassVar[str] = "sending messages failed"

    def __init__(
        self,
        database: Database,
        client: OutboundClient,
        mailer: Mailer | None,
        addresses: MessageAddresses,
        *,
        process_id: str,
        metrics: MessageMetrics,
    ) -> None:
        """Make a sender; it does nothing before `start`.

        Args:
            database: The database with the outbox.
            client: Posts to webhooks.
            mailer: Sends mails; None if the server has no setting for it.
            addresses: Makes the links in mails to people.
            process_id: The id of this process, for its claims.
            metrics: Counts messages by their result.
        """
        super().__init__()
        self._database = database
        self._client = client
        self._mailer = mailer
        self._addresses = addresses
        self._process_id = process_id
        self._claiming = asyncio.Lock()
        self._sending = 0
        self._is_idle = asyncio.Event()
        self._metrics = metrics

    @override
    async def work(self) -> None:
        """Send everything that is due."""
        async with self._database.reading() as connection:
            if not await outbox.is_any_due(connection):
                return
        turns = (self._send_in_turn() for _ in range(_AT_ONCE))
        for outcome in await asyncio.gather(*turns, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    @override
    async def stop(self) -> None:
        """Stop, and release the claims, so that another process sends these messages at once."""
        await super().stop()
        try:
            async with self._database.transaction() as connection:
                await outbox.release_claims(connection, self._process_id)
        except ServiceUnavailable as error:
            _logger.warning("claims of messages end later", error=str(error))

    async def _send_in_turn(self) -> None:
        while True:
            # Claims are made one after another, so each sees how many messages to a target are
            # being sent.
            async with self._claiming, self._database.transaction() as connection:
                message = await outbox.claim_message(connection, self._process_id)
            if message is None:
                if not self._sending:
                    return
                # A free turn waits while others send: a message that comes meanwhile, of another
                # project or to a person, must not wait for the last of them.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_idle.wait(), self.pause_s)
                continue
            self._sending += 1
            self._is_idle.clear()
            try:
                await self._send(message)
            finally:
                self._sending -= 1
                if not self._sending:
                    self._is_idle.set()

    async def _send(self, message: OutgoingMessage) -> None:
        """Send a message, and note the result."""
        if clock.now() - message.made_at > retrying.LONGEST:
            await self._note_end(message, MessageState.FAILED, fault="it is too old by now")
            return
        try:
            if message.kind in (MessageKind.ALERT, MessageKind.TEST):
                await self._send_to_target(message)
            else:
                await self._send_to_person(message)
        except _TargetMissing:
            await self._note_end(message, MessageState.CANCELLED, fault="its target is gone")
        except DeliveryFailed as error:
            await self._note_fault(message, error)
        except ServiceUnavailable:
            raise
        except Exception as error:
            # A message that cannot be written must not be tried for ever, nor stop the others.
            _logger.exception("a message could not be sent", message=message.id)
            await self._note_fault(message, DeliveryFailed(f"failed: {type(error).__name__}"))
        else:
            await self._note_success(message)

    async def _send_to_target(self, message: OutgoingMessage) -> None:
        async with self._database.reading() as connection:
            target = (
                await targets.find_target(connection, message.target_id)
                if message.target_id is not None
                else None
            )
        # A test is also sent to a target that is off, so that people can find out if it works.
        if target is None or not (target.is_on or message.kind is MessageKind.TEST):
            raise _TargetMissing
        write = _write_test if message.kind is MessageKind.TEST else self._write_alert
        await self._deliver(target, message, await write(target, message))

    async def _write_alert(self, target: AlertTarget, message: OutgoingMessage) -> _MessageForm:
        """Write an alert in the form of its target, with pictures where they are allowed."""
        content = await add_pictures(
            self._database,
            self._addresses,
            AlertContent.read(message.content),
            target_name=target.name,
        )
        match target.kind:
            case TargetKind.SLACK:
                return slack.write_slack_message(content)
            case TargetKind.WEBHOOK:
                return webhook.write_webhook_body(content)
            case TargetKind.MAIL:
                return mails.write_alert_mail(content, target.address, message.key)

    async def _deliver(
        self, target: AlertTarget, message: OutgoingMessage, written: _MessageForm
    ) -> None:
        if isinstance(written, OutgoingMail):
            await self._mail(written)
        else:
            await self._post(target, message, written)

    async def _post(
        self, target: AlertTarget, message: OutgoingMessage, content: dict[str, Any]
    ) -> None:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )
        headers = {"content-type": "application/json"}
        if target.kind is TargetKind.WEBHOOK and target.secret is not None:
            used = [each for each in (target.secret, target.old_secret) if each is not None]
            headers |= webhook.sign(f"msg_{message.key}", clock.now(), body, used)
        way: DeliveryWay = "slack" if target.kind is TargetKind.SLACK else "webhook"
        with self._timing(way):
            answer = await self._client.post(target.address, body, headers)
        if answer.is_accepted:
            return
        fault = f"the receiver answered {answer.status}"
        gone = _GONE_SLACK if target.kind is TargetKind.SLACK else _GONE
        if answer.status in gone:
            raise TargetGone(fault, is_final=True)
        # Slack answers 400 to a message that it would not accept in a later try either.
        is_final = target.kind is TargetKind.SLACK and answer.status == HTTPStatus.BAD_REQUEST
        raise DeliveryFailed(fault, is_final=is_final, wait_s=answer.wait_s)

    async def _send_to_person(self, message: OutgoingMessage) -> None:
        key = message.key
        if message.kind is MessageKind.PROJECT_INVITATION:
            if message.address is None:
                raise _TargetMissing
            await self._mail(
                mails.write_project_invitation_mail(
                    message.content, self._addresses, message.address, key
                )
            )
            return
        person, token = await self._make_link(message)
        write = (
            mails.write_invitation_mail
            if message.kind is MessageKind.INVITATION
            else mails.write_password_mail
        )
        await self._mail(write(message.content, token, self._addresses, person.email, key))

    async def _make_link(self, message: OutgoingMessage) -> tuple[Person, str]:
        """Make the link of a mail just before it is sent, so that it is stored nowhere.

        A later try makes another link and keeps the first one, since the mail of that try may have
        arrived. A link that an admin sends ends earlier ones. A link that a person asks for does
        not: anybody can ask, and that must not end the link that an admin has handed over.
        """
        if message.person_id is None:
            raise _TargetMissing
        async with self._database.transaction() as connection:
            try:
                person = await accounts.get_person(connection, message.person_id)
            except NotFound:
                raise _TargetMissing from None
            if person.disabled_at is not None or person.origin is not PersonOrigin.LOCAL:
                raise _TargetMissing
            if message.tries == 1 and not message.content.get("is_own_wish"):
                await links.withdraw_unused_links(connection, person.id)
            token = await links.make_sign_in_link(
                connection, person.id, good_for=timedelta(days=int(message.content.get("days", 1)))
            )
        return person, token

    async def _mail(self, mail: OutgoingMail) -> None:
        if self._mailer is None:
            raise DeliveryFailed("this server has no mail server: PLAYHEAD_SMTP_URL is not set")
        with self._timing("mail"):
            await self._mailer.send(mail)

    @contextmanager
    def _timing(self, way: DeliveryWay) -> Iterator[None]:
        began_s = clock.monotonic_s()
        try:
            yield
        finally:
            self._metrics.count_time(way, clock.monotonic_s() - began_s)

    async def _note_success(self, message: OutgoingMessage) -> None:
        self._metrics.count_try(message.kind, "sent")
        self._metrics.count_arrival(message.made_at)
        async with self._database.transaction() as connection:
            await outbox.note_end(connection, message, self._process_id, MessageState.SENT)
            if message.target_id is not None:
                await targets.note_success(connection, message.target_id)

    async def _note_fault(self, message: OutgoingMessage, error: DeliveryFailed) -> None:
        fault = str(error)
        # A person waits for the result of a test, so it is not tried again.
        is_over = error.is_final or message.kind is MessageKind.TEST
        pause = None if is_over else retrying.find_pause(message.tries, error.wait_s)
        is_gone = isinstance(error, TargetGone)
        self._metrics.count_try(message.kind, "failed" if pause is None else "retried")
        _logger.warning(
            "a message did not arrive", message=message.id, tries=message.tries, fault=fault
        )
        async with self._database.transaction() as connection:
            if pause is None:
                await outbox.note_end(
                    connection, message, self._process_id, MessageState.FAILED, fault=fault
                )
            else:
                await outbox.postpone_message(
                    connection, message, self._process_id, pause=pause, fault=fault
                )
            if message.target_id is not None:
                await targets.note_fault(connection, message.target_id, fault, is_gone=is_gone)
        if is_gone and message.target_id is not None:
            # In a transaction of its own: while the row of this message is locked, a process that
            # does the same for another message of the target could deadlock with it.
            async with self._database.transaction() as connection:
                await outbox.cancel_messages(connection, target_id=message.target_id)

    async def _note_end(self, message: OutgoingMessage, state: MessageState, *, fault: str) -> None:
        is_failed = state is MessageState.FAILED
        self._metrics.count_try(message.kind, "failed" if is_failed else "cancelled")
        async with self._database.transaction() as connection:
            await outbox.note_end(connection, message, self._process_id, state, fault=fault)


class _TargetMissing(Exception):
    """The target or the person of a message no longer exists."""


async def _write_test(target: AlertTarget, message: OutgoingMessage) -> _MessageForm:
    source = str(message.content.get("source", ""))
    rules_url = str(message.content.get("rules_url", ""))
    match target.kind:
        case TargetKind.SLACK:
            return slack.write_slack_test(target.name, source, rules_url)
        case TargetKind.WEBHOOK:
            return webhook.write_webhook_test(target.name, source, message.made_at)
        case TargetKind.MAIL:
            return mails.write_test_mail(
                target.name, source, rules_url, target.address, message.key
            )
