"""Adds, changes, tests and deletes targets."""

import asyncio
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts import rules, targets
from app.alerts.composing.addresses import MessageAddresses
from app.alerts.editing.scope import AlertScope
from app.alerts.model import AlertRuleSettings, AlertTarget, RuleKind, TargetKind
from app.audit.model import Action
from app.core import clock
from app.core.errors import InvalidInput
from app.core.ids import PersonId
from app.db.engine import Database
from app.mail.mailbox import read_mail_address
from app.messages import outbox
from app.messages.model import MessageKind, MessageState, NewMessage
from app.outbound.allowed_hosts import AllowedHosts
from app.outbound.webhook_address import read_webhook_address

_NAME_CHARS: Final = 60
_PATIENCE_S: Final = 6.0
"""The seconds for which a page waits for the result of a test; the log shows it later."""
_LOOK_S: Final = 0.1
_DISCORD: Final = ("discord.com", "discordapp.com")
_TESTS_PER_HOUR: Final = 30
_TESTS_OF_PROJECT: Final = 60
"""Tests in an hour to all targets together: a limit for each could be avoided with new targets."""


@dataclass(frozen=True, slots=True)
class TargetForm:
    """The fields of a form for a target, as they were typed."""

    kind: str
    address: str
    name: str = ""


async def begin_alerts(
    database: Database,
    scope: AlertScope,
    form: TargetForm,
    kinds: Collection[str],
    *,
    only_crashes: bool,
    allowed: AllowedHosts,
    has_mail: bool,
) -> AlertTarget:
    """Add a target with rules of some kinds, all in one step.

    Raises:
        InvalidInput: The address cannot be used, or there are too many targets or rules.
    """
    chosen = [kind for kind in scope.kinds if kind in kinds]
    async with database.transaction() as connection:
        target = await _add_target(connection, scope, form, allowed=allowed, has_mail=has_mail)
        known = await rules.list_rules(connection, scope.project_id)
        if len(known) + len(chosen) > rules.MOST_RULES:
            raise InvalidInput(f"there are at most {rules.MOST_RULES} alerts")
        for kind in chosen:
            has_choice = kind in (RuleKind.NEW_ISSUE, RuleKind.RETURNED_ISSUE)
            settings = AlertRuleSettings(only_crashes=only_crashes and has_choice)
            rule = await rules.add_rule(
                connection,
                scope.project_id,
                kind,
                settings,
                [target.id],
                made_by=scope.person.id,
            )
            await scope.record(connection, Action.ALERT_RULE_ADDED, rule.id, {"kind": kind.value})
            await rules.mark_crashed_releases(connection, rule)
    return target


async def change_target(
    database: Database,
    scope: AlertScope,
    target_id: int,
    form: TargetForm,
    *,
    is_on: bool,
    allowed: AllowedHosts,
) -> None:
    """Change the name, the address or the switch of a target; an empty address stays as it is.

    If the address changes, its rules tell only what the person who typed it may see.

    Raises:
        NotFound: There is no such target.
        InvalidInput: The address cannot be used.
    """
    async with database.transaction() as connection:
        target = await targets.get_target(connection, scope.project_id, target_id)
        address = (
            _read_address(target.kind, form.address, allowed)
            if form.address.strip()
            else target.address
        )
        name = _read_name(form.name, target.kind, address)
        await targets.change_target(connection, target, name=name, address=address, is_on=is_on)
        if address != target.address:
            await rules.take_reach(connection, target.id, scope.person.id)
        if not is_on:
            await outbox.cancel_messages(connection, target_id=target.id)
        await scope.record(
            connection,
            Action.ALERT_TARGET_CHANGED,
            target.id,
            {"name": name, "on": is_on, "address": address != target.address},
        )


async def replace_secret(database: Database, scope: AlertScope, target_id: int) -> None:
    """Give a webhook another secret; messages are signed with both for a day.

    Raises:
        NotFound: There is no such target.
        InvalidInput: The target is no webhook with a secret.
    """
    async with database.transaction() as connection:
        target = await targets.get_target(connection, scope.project_id, target_id)
        if target.kind is not TargetKind.WEBHOOK:
            raise InvalidInput("only messages to a webhook of your own are signed")
        await targets.replace_secret(connection, target)
        await scope.record(
            connection,
            Action.ALERT_TARGET_CHANGED,
            target.id,
            {"name": target.name, "secret": True},
        )


async def delete_target(database: Database, scope: AlertScope, target_id: int) -> None:
    """Delete a target, and take it out of all rules.

    Raises:
        NotFound: There is no such target.
    """
    async with database.transaction() as connection:
        target = await targets.get_target(connection, scope.project_id, target_id)
        await rules.drop_target(connection, target.id)
        await outbox.cancel_messages(connection, target_id=target.id)
        await targets.delete_target(connection, target.id)
        await scope.record(
            connection, Action.ALERT_TARGET_DELETED, target.id, {"name": target.name}
        )


async def send_test(
    database: Database,
    scope: AlertScope,
    target_id: int,
    addresses: MessageAddresses,
    *,
    hurry: Callable[[], None],
    patience_s: float = _PATIENCE_S,
) -> MessageState:
    """Send a test to a target, and wait a few seconds for the result.

    Returns:
        `SENT`, `FAILED` or `CANCELLED`; `WAITING` if the result is not known yet.

    Raises:
        NotFound: There is no such target.
        InvalidInput: Too many tests were sent in the last hour.
    """
    async with database.transaction() as connection:
        target = await targets.get_target(connection, scope.project_id, target_id)
        # The lock makes tests that are asked for at the same moment count each other.
        await outbox.lock_receiver(connection, f"tests of {scope.project_id}")
        since = clock.now() - rules.HOUR
        sent_by_all = await outbox.count_recent(
            connection, MessageKind.TEST, since=since, project_id=scope.project_id
        )
        if sent_by_all >= _TESTS_OF_PROJECT:
            raise InvalidInput("many tests were sent in the last hour; wait a while")
        sent = await outbox.count_recent(
            connection, MessageKind.TEST, since=since, target_id=target.id
        )
        if sent >= _TESTS_PER_HOUR:
            raise InvalidInput("this target got many tests in the last hour; wait a while")
        message = NewMessage(
            MessageKind.TEST,
            f"Test of {target.name}",
            {"source": scope.name, "rules_url": addresses.alerts(scope.project_id)},
            secrets.token_hex(16),
            project_id=scope.project_id,
            target_id=target.id,
        )
        [message_id] = await outbox.add_messages(connection, [message])
        await scope.record(connection, Action.ALERT_TARGET_TESTED, target.id, {"name": target.name})
    hurry()
    until_s = clock.monotonic_s() + patience_s
    while clock.monotonic_s() < until_s:
        async with database.reading() as connection:
            logged = await outbox.read_message(connection, message_id)
        if logged is None or logged.state is not MessageState.WAITING:
            return logged.state if logged else MessageState.CANCELLED
        await asyncio.sleep(_LOOK_S)
    return MessageState.WAITING


async def _add_target(
    connection: AsyncConnection,
    scope: AlertScope,
    form: TargetForm,
    *,
    allowed: AllowedHosts,
    has_mail: bool,
) -> AlertTarget:
    if form.kind not in set(TargetKind):
        raise InvalidInput("choose where messages go")
    kind = TargetKind(form.kind)
    if kind is TargetKind.MAIL and not has_mail:
        raise InvalidInput("this server sends no mail: PLAYHEAD_SMTP_URL is not set")
    address = _read_address(kind, form.address, allowed)
    known = await targets.list_targets(connection, scope.project_id)
    if len(known) >= targets.MOST_TARGETS:
        raise InvalidInput(f"there are at most {targets.MOST_TARGETS} targets")
    if any(target.kind is kind and target.address == address for target in known):
        raise InvalidInput("messages go there already; add alerts to that target")
    target = await targets.add_target(
        connection,
        scope.project_id,
        kind,
        name=_read_name(form.name, kind, address),
        address=address,
        made_by=PersonId(scope.person.id),
    )
    await scope.record(
        connection,
        Action.ALERT_TARGET_ADDED,
        target.id,
        {"name": target.name, "kind": kind.value},
    )
    return target


def _read_address(kind: TargetKind, text: str, allowed: AllowedHosts) -> str:
    """Return the address that a form asks for.

    Raises:
        InvalidInput: It cannot be used.
    """
    if kind is TargetKind.MAIL:
        return read_mail_address(text)
    address = read_webhook_address(text, allowed)
    url = text.strip()
    # Discord accepts Slack's format at an address of its own.
    is_discord = address.host in _DISCORD and kind is TargetKind.SLACK
    if is_discord and not address.target.partition("?")[0].rstrip("/").endswith("/slack"):
        url = f"{url.partition('?')[0].rstrip('/')}/slack"
    return url


def _read_name(text: str, kind: TargetKind, address: str) -> str:
    """Return the name that was typed, or else the host or the mail address."""
    name = " ".join(text.split())[:_NAME_CHARS]
    if name:
        return name
    return (
        address[:_NAME_CHARS]
        if kind is TargetKind.MAIL
        else (urlsplit(address).hostname or "Webhook")[:_NAME_CHARS]
    )
