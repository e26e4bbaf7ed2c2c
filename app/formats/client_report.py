"""Reads a client report: the data that an SDK discarded before it was sent, by category and reason.

    {"timestamp": …, "discarded_events": [{"reason": "cache_overflow", "category": "replay",
                                           "quantity": 4}]}

Source: docs/protocol.md, section 9.8; relay `relay-event-schema/src/protocol/client_report.rs`.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.core.log import shown
from app.formats import jsonish

_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
"""Categories and reasons are words of SDKs; any other text could be a secret."""
_MOST_LOST: Final = 1_000_000_000
"""No phone loses more than this, and sums stay far below the limit of a column."""


@dataclass(frozen=True, slots=True, order=True)
class ReportedLoss:
    """A category of lost data and the reason, in the SDK's words: `replay`, `cache_overflow`."""

    category: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClientReport:
    """Quantities of lost data; `skipped` counts the entries that could not be read."""

    losses: Counter[ReportedLoss]
    skipped: int


def read_client_report(data: bytes | memoryview) -> ClientReport:
    """Read a report; an entry that cannot be read is skipped and counted.

    Raises:
        MalformedInput: It is not a JSON object with a list of discarded events.
        OversizedInput: It is over `LIMITS.client_report_bytes`.
    """
    most_bytes = LIMITS.client_report_bytes
    if len(data) > most_bytes:
        raise OversizedInput(f"client report has {len(data)} bytes, {most_bytes} are allowed")
    entries = jsonish.decode_object(data, "client report").get("discarded_events")
    if not isinstance(entries, list):
        raise MalformedInput(f"client report has no list of discarded events: {shown(entries)}")
    losses: Counter[ReportedLoss] = Counter()
    skipped = 0
    for entry in entries:
        loss = _read_loss(entry)
        if loss is None:
            skipped += 1
        else:
            losses[loss[0]] += loss[1]
    return ClientReport(losses, skipped)


def _read_loss(entry: object) -> tuple[ReportedLoss, int] | None:
    """Read one entry as a loss and its quantity; None if it cannot be read."""
    if not isinstance(entry, dict):
        return None
    category = jsonish.text(entry, "category") or ""
    reason = jsonish.text(entry, "reason") or ""
    quantity = jsonish.integer(entry, "quantity", lowest=1, highest=_MOST_LOST)
    if not (_WORD.match(category) and _WORD.match(reason) and quantity):
        return None
    return ReportedLoss(category, reason), quantity
