"""The parts of alerts that a process has, for its background work and for pages."""

from collections.abc import Callable
from dataclasses import dataclass

from app.alerts.addresses import MessageAddresses
from app.alerts.delivery.sender import MessageSender
from app.alerts.metrics import MessageMetrics
from app.alerts.monitor import OutboxMonitor
from app.alerts.watch.watcher import AlertWatcher
from app.alerts.worker import AlertWorker
from app.messages.wanted import WantedSignals
from app.outbound.allowed_hosts import AllowedHosts


@dataclass(frozen=True, slots=True)
class AlertParts:
    """Alerts in one process. What is not started here is done by another process."""

    addresses: MessageAddresses
    allowed: AllowedHosts
    """Hosts in private networks to which webhooks may go."""
    has_mail: bool
    """Whether this server sends mails."""
    wanted: WantedSignals
    worker: AlertWorker
    sender: MessageSender
    watcher: AlertWatcher
    monitor: OutboxMonitor
    metrics: MessageMetrics

    @property
    def hurry(self) -> Callable[[], None]:
        """What lets the sender of this process, if it has one, look at the outbox at once."""
        return self.sender.hurry
