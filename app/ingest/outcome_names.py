"""Limits the names under which outcomes are counted, since senders choose some of them.

Anybody with the public key of a project can give an item any type. The first 50 unknown words of
each project are counted by their names, and everything else is counted as `other`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

from app.core.ids import ProjectId
from app.ingest.item_types import BY_NAME, CATEGORIES, IGNORED_TYPES
from app.ingest.outcomes import UNTYPED
from app.projects.model import Outcome, OutcomeKey

OTHER: Final = "other"
"""The name for unknown names that are not words, or that come after a project's first fifty."""
_WORD: Final = re.compile(r"[a-z][a-z0-9_.\-]{0,63}\Z")
"""An unknown name of any other form could hold a secret, such as `password=…`."""
_MOST_UNKNOWN: Final = 50
_NAME_CHARS: Final = 64
KNOWN_NAMES: Final = frozenset(
    {*BY_NAME, *IGNORED_TYPES, *CATEGORIES}
    | {"envelope", "store", "otlp", "otlp_json", UNTYPED}
    | {"default", "security", "attachment_item", "profile_chunk_ui", "trace_metric_byte"}
    | {"queue_overflow", "cache_overflow", "ratelimit_backoff", "network_error", "send_error"}
    | {"sample_rate", "before_send", "event_processor", "backpressure", "internal_sdk_error"}
    | {"insufficient_data"}
)
"""Item types, endpoints, and the categories and reasons of client reports."""

_unknown: Final[defaultdict[ProjectId, set[str]]] = defaultdict(set)
"""The unknown names that each project has used so far."""


def limit_names(counts: Mapping[OutcomeKey, int]) -> Counter[OutcomeKey]:
    """Count outcomes under the names that may be stored."""
    limited: Counter[OutcomeKey] = Counter()
    for key, quantity in counts.items():
        limited[limit_name(key)] += quantity
    return limited


def limit_name(key: OutcomeKey) -> OutcomeKey:
    """Return the key under which an outcome may be stored."""
    is_from_report = key.outcome is Outcome.DROPPED_BY_SDK
    if key.item_type in KNOWN_NAMES and not is_from_report:
        return key
    reason = _limit_word(key.project_id, key.reason) if is_from_report else key.reason
    return key._replace(item_type=_limit_word(key.project_id, key.item_type), reason=reason)


def _limit_word(project_id: ProjectId, name: str) -> str:
    if name in KNOWN_NAMES:
        return name
    unknown, name = _unknown[project_id], name[:_NAME_CHARS]
    if not _WORD.match(name):
        return OTHER
    if name not in unknown:
        if len(unknown) >= _MOST_UNKNOWN:
            return OTHER
        unknown.add(name)
    return name
