"""Writes `X-Sentry-Rate-Limits`: what an SDK shall hold back, and for how long.

    60:replay;attachment:project:storage_quota
    seconds : categories : scope : reason

An SDK that finds this header on a 429 holds back the named categories only; without it, everything.
An empty list of categories means everything too.

Source: docs/protocol.md, section 1.7.
"""

from collections.abc import Sequence
from typing import Final, Literal

LimitScope = Literal["key", "project"]

IN_OBJECT_STORAGE: Final = ("replay", "attachment")
"""What goes to object storage."""
EVERYTHING: Final[tuple[str, ...]] = ()
ALL_BUT_REPLAY: Final = (
    "error",
    "transaction",
    "span",
    "attachment",
    "session",
    "profile",
    "profile_chunk",
    "monitor",
    "feedback",
    "user_report",
    "log_item",
    "log_byte",
    "trace_metric",
    "metric_bucket",
)
"""Everything that SDKs send, `replay` left out: named there, it ends the recording on an iPhone."""


def write_rate_limit(
    seconds: int, categories: Sequence[str], *, scope: LimitScope, reason: str
) -> str:
    """Write one limit.

    Args:
        seconds: How long; at least 1, since Cocoa ignores less.
        categories: Words of SDKs; none of them means everything.
        scope: Whose limit it is.
        reason: A word without `:` and `,`; SDKs do not read it, people do.
    """
    return f"{max(1, seconds)}:{';'.join(categories)}:{scope}:{reason}"
