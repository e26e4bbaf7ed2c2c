"""A `client_report` item: the items that the SDK lost, which become outcomes beside all others.

A report has no id. The journal's mark keeps a report that is read again from being counted twice.
One that the SDK sends again, because it did not see the answer, is counted again.
"""

from typing import Final

from app.core.limits import LIMITS
from app.formats import client_report
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import ItemType, PreparedBatch, one_by_one
from app.projects.model import Outcome


def prepare_client_report(
    item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch
) -> None:
    """Count the items that the SDK lost; nothing else in a report is stored.

    Raises:
        MalformedInput: It is not a JSON object with a list of discarded events.
        OversizedInput: It is over a limit.
    """
    report = client_report.read_client_report(item.payload)
    for loss, quantity in report.losses.items():
        prepared.count(
            context, loss.category, Outcome.DROPPED_BY_SDK, loss.reason, quantity=quantity
        )
    prepared.count(context, CLIENT_REPORT.name, Outcome.KEPT)


CLIENT_REPORT: Final[ItemType[None]] = ItemType(
    name="client_report",
    categories=(),
    limit_bytes=LIMITS.client_report_bytes,
    scrubbing=None,
    prepare=one_by_one(prepare_client_report),
    store=None,
)
