"""Counting what became of every item."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from app.core import clock
from app.core.ids import ProjectId
from app.core.limits import LIMITS
from app.formats.wire.envelope import EnvelopeItem
from app.projects.model import Outcome, OutcomeKey

UNTYPED: Final = "untyped"
"""The type of an item whose header names none."""
OTHER: Final = "other"
"""Stands for unknown names that are no words, or that come after a project's first fifty."""
_WORD: Final = re.compile(r"[a-z][a-z0-9_.\-]{0,63}\Z")
"""An unknown name that is anything else could be a stranger's secret: `password=…`."""
_MOST_STRANGE: Final = 50
_NAME_CHARS: Final = 64
_KNOWN: Final = frozenset(
    {"replay_video", "replay_event", "replay_recording", "event", "transaction", "span", "log"}
    | {"attachment", "feedback", "user_report", "session", "sessions", "client_report"}
    | {"trace_metric", "check_in", "profile", "profile_chunk", "statsd", "metric_buckets"}
    | {"envelope", "store", "otlp", "otlp_json", UNTYPED}
    | {"default", "error", "replay", "security", "attachment_item", "profile_chunk_ui"}
    | {"monitor", "log_item", "log_byte", "trace_metric_byte", "metric_bucket"}
    | {"queue_overflow", "cache_overflow", "ratelimit_backoff", "network_error", "send_error"}
    | {"sample_rate", "before_send", "event_processor", "backpressure", "internal_sdk_error"}
    | {"insufficient_data"}
)
"""Types of items, doors, and the categories and reasons of client reports."""
_MOST_KEYS: Final = 10_000
"""Different outcomes waiting to be written; made-up item types cannot fill the memory."""


class Tally:
    """Outcomes of what never reached the journal, kept in memory until the next write.

    What is counted here and not written when the process dies is forgotten: it was refused, and
    the sender was told.
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
            self._count(key, quantity_of(item))

    def take(self) -> Counter[OutcomeKey]:
        """Return what was counted, and begin anew."""
        taken, self._counts = self._counts, Counter()
        return taken

    def put_back(self, counts: Mapping[OutcomeKey, int]) -> None:
        """Return counts that could not be written."""
        self._counts.update(counts)

    def _count(self, key: OutcomeKey, quantity: int) -> None:
        if len(self._counts) < _MOST_KEYS:
            self._counts[key] += quantity


def quantity_of(item: EnvelopeItem) -> int:
    """Return as how many an item counts: spans and logs one by one, as far as its header tells."""
    if item.type not in ("span", "log"):
        return 1
    return min(max(1, item.item_count or 1), LIMITS.spans)


def outcome_key(
    project_id: ProjectId, item_type: str, outcome: Outcome, reason: str = ""
) -> OutcomeKey:
    """Name an outcome of today (UTC).

    What a sender calls things is kept as far as it may: the first 50 words that nobody knows, of
    each project. With a public key, anybody could fill the table with more.
    """
    if outcome is Outcome.DROPPED_BY_SDK:
        reason = _named(project_id, reason)
    return OutcomeKey(
        project_id, clock.now().date(), _named(project_id, item_type), outcome, reason
    )


_strange: Final[defaultdict[ProjectId, set[str]]] = defaultdict(set)


def _named(project_id: ProjectId, name: str) -> str:
    if name in _KNOWN:
        return name
    strange, name = _strange[project_id], name[:_NAME_CHARS]
    if not _WORD.match(name):
        return OTHER
    if name not in strange:
        if len(strange) >= _MOST_STRANGE:
            return OTHER
        strange.add(name)
    return name
