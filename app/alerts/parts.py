"""Bundles the alert workers and the values that pages need from them, for one process."""

from collections.abc import Callable
from dataclasses import dataclass

from app.alerts.composing.addresses import MessageAddresses
from app.alerts.delivery.sender import MessageSender
from app.alerts.metrics import MessageMetrics
from app.alerts.monitor import OutboxMonitor
from app.alerts.watch.watcher import AlertWatcher
from app.alerts.worker import AlertWorker
from app.messages.wanted import WantedSignals
from app.outbound.allowed_hosts import AllowedHosts


@dataclass(frozen=True, slots=True)
class AlertParts:
    """The alert workers of one process; those that are absent run in other processes."""

    addresses: MessageAddresses
    allowed: AllowedHosts
    """Hosts in private networks to which webhooks may go."""
    has_mail: bool
    """True if this server sends mails."""
    wanted: WantedSignals
    worker: AlertWorker
    sender: MessageSender
    watcher: AlertWatcher
    monitor: OutboxMonitor
    metrics: MessageMetrics

    @property
    def hurry(self) -> Callable[[], None]:
        """A function that wakes the sender of this process; it does nothing if there is none."""
        return self.sender.hurry
