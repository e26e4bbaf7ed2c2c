"""A `client_report` item: what the SDK lost becomes outcomes beside those of what arrived.

A report has no id. One that is read from the journal again is counted once, by the journal's mark;
one that the SDK sends again, because it did not see our answer, is counted again.
"""

from typing import Final

from app.formats import client_report
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.prepared import Context, Prepared
from app.projects.model import Outcome

_REPORT: Final = "client_report"


def prepare(item: EnvelopeItem, context: Context, prepared: Prepared) -> None:
    """Turn one item into outcomes of what it tells of; nothing else of it is kept.

    Raises:
        MalformedInput: It is no JSON object with a list of discarded events.
        OversizedInput: It is over a limit.
    """
    report = client_report.read_client_report(item.payload)
    for loss, quantity in report.losses.items():
        prepared.count(
            context, loss.category, Outcome.DROPPED_BY_SDK, loss.reason, quantity=quantity
        )
    prepared.count(context, _REPORT, Outcome.KEPT)
