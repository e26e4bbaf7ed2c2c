"""Connects alerts with the web app's addresses, with webhooks and with the mail server."""

from app.alerts.composing.addresses import MessageAddresses
from app.alerts.composing.compose import MessageComposer
from app.alerts.delivery.sender import MessageSender
from app.alerts.metrics import MessageMetrics
from app.alerts.monitor import OutboxMonitor
from app.alerts.parts import AlertParts
from app.alerts.watch import watcher as watching
from app.alerts.watch.server import ServerWatcher
from app.alerts.watch.watcher import AlertWatcher
from app.alerts.worker import AlertWorker
from app.core.errors import InvalidInput
from app.core.ids import ProjectId
from app.core.settings import Settings
from app.mail.mailbox import read_mailbox
from app.mail.server import Mailer, read_mail_server
from app.outbound.allowed_hosts import AllowedHosts
from app.outbound.client import OutboundClient
from app.processes.duties import ProcessDuty
from app.web.urls import (
    account_urls,
    alert_urls,
    issue_urls,
    list_urls,
    project_urls,
    replay_urls,
    server_urls,
    share_urls,
)
from app.wiring.shared import SharedParts


def open_alerts(shared: SharedParts, process_id: str) -> AlertParts:
    """Make the parts of alerts; they do nothing before `start_alerts`.

    Raises:
        InvalidInput: A setting about mails or webhooks cannot be read; the message names it.
    """
    settings, database = shared.settings, shared.database
    addresses = make_addresses(settings.base_url)
    try:
        allowed = AllowedHosts.read(settings.webhook_allowed_hosts)
    except ValueError as error:
        raise InvalidInput(f"PLAYHEAD_WEBHOOK_ALLOWED_HOSTS: {error}") from None
    client = OutboundClient(allowed)
    shared.stack.push_async_callback(client.close)
    mailer = open_mailer(settings)
    metrics = MessageMetrics()
    sender = MessageSender(
        database, client, mailer, addresses, process_id=process_id, metrics=metrics
    )
    return AlertParts(
        addresses,
        allowed,
        mailer is not None,
        shared.wanted,
        AlertWorker(database, MessageComposer(database, addresses), hurry_sender=sender.hurry),
        sender,
        AlertWatcher(
            database,
            addresses,
            ServerWatcher(
                database,
                addresses,
                data_dir=None if settings.has_bucket else settings.data_dir.resolve(),
                longest_days=settings.keep_days_at_most,
                heartbeat_s=settings.heartbeat_s,
                silent_after_s=settings.silent_after_s,
            ),
        ),
        OutboxMonitor(database, metrics),
        metrics,
    )


def start_alerts(parts: AlertParts, shared: SharedParts, process_id: str) -> None:
    """Start all of it, for the role `worker`: one process of all looks at the time."""
    parts.watcher.duty = ProcessDuty(shared.database, process_id, "alerts", pause=watching.PAUSE)
    shared.start(parts.worker)
    shared.start(parts.sender)
    shared.start(parts.monitor)
    shared.start(parts.watcher)


def open_mailer(settings: Settings) -> Mailer | None:
    """Return what sends mails, or None if no mail server is set.

    Raises:
        InvalidInput: The settings cannot be read; the message names the one that is wrong.
    """
    url = settings.smtp_url.get_secret_value() if settings.smtp_url else ""
    if not url or not settings.mail_from:
        return None
    try:
        server = read_mail_server(url)
    except ValueError as error:
        # The address may have a password in it, so it is not repeated.
        raise InvalidInput(f"PLAYHEAD_SMTP_URL {error}") from None
    try:
        return Mailer(server, read_mailbox(settings.mail_from))
    except ValueError as error:
        raise InvalidInput(f"PLAYHEAD_MAIL_FROM: {error}") from None


def make_addresses(base_url: str) -> MessageAddresses:
    """Return the addresses that messages name."""

    def issues_path(project_id: ProjectId) -> str:
        return list_urls.issues(project=str(project_id))

    return MessageAddresses(
        base_url,
        issue_path=issue_urls.issue,
        replay_path=replay_urls.replay_at,
        releases_path=project_urls.releases,
        project_path=project_urls.project,
        alerts_path=alert_urls.alerts,
        issues_path=issues_path,
        sign_in_path=account_urls.sign_in_link,
        picture_path=share_urls.message_picture,
        projects_path=project_urls.PROJECTS,
        health_path=server_urls.HEALTH,
        storage_path=server_urls.STORAGE,
    )
