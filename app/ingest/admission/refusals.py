"""Counts the items that are refused or limited before they reach the journal."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from app.core.ids import ProjectId
from app.core.limits import LIMITS
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.item_types import CONTAINERS
from app.ingest.outcome_names import limit_name
from app.ingest.outcomes import UNTYPED, outcome_key
from app.projects.model import Outcome, OutcomeKey

_MOST_KEYS: Final = 10_000
"""The most outcomes that wait to be written, so that made-up item types cannot fill the memory."""


class RefusalTally:
    """Counts of items that never reached the journal, kept in memory until the next write.

    Counts that are not written when the process dies are lost; the senders were told.
    """

    def __init__(self) -> None:
        self._counts: Counter[OutcomeKey] = Counter()

    def refuse(self, project_id: ProjectId, item_type: str, reason: str) -> None:
        """Count one refusal."""
        self._count(outcome_key(project_id, item_type, Outcome.REFUSED, reason), 1)

    def limit(self, project_id: ProjectId, items: Iterable[EnvelopeItem], reason: str) -> None:
        """Count every item of an envelope that met a limit."""
        for item in items:
            key = outcome_key(project_id, item.type or UNTYPED, Outcome.LIMITED, reason)
            self._count(key, count_records(item))

    def take(self) -> Counter[OutcomeKey]:
        """Return the counts, and begin again at zero."""
        taken, self._counts = self._counts, Counter()
        return taken

    def put_back(self, counts: Mapping[OutcomeKey, int]) -> None:
        """Take back counts that could not be written."""
        self._counts.update(counts)

    def _count(self, key: OutcomeKey, quantity: int) -> None:
        if len(self._counts) < _MOST_KEYS:
            self._counts[limit_name(key)] += quantity


def count_records(item: EnvelopeItem) -> int:
    """Return the number of records in an item, which is 1 unless it is a container.

    It is the number that the header of the item claims, since its payload is not read.
    """
    if item.type not in CONTAINERS:
        return 1
    return min(max(1, item.item_count or 1), LIMITS.spans)
