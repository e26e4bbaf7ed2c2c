"""Writes `X-Sentry-Rate-Limits`: the data that an SDK has to hold back, and for how long.

    60:replay;attachment:project:storage_quota
    seconds : categories : scope : reason

An SDK that finds this header on a 429 holds back the named categories only; without it, everything.
An empty list of categories means everything too.

Source: docs/protocol.md, section 1.7.
"""

from collections.abc import Sequence
from typing import Final, Literal

LimitScope = Literal["key", "project"]

EVERYTHING: Final[tuple[str, ...]] = ()


def write_rate_limit(
    seconds: int, categories: Sequence[str], *, scope: LimitScope, reason: str
) -> str:
    """Write one limit.

    Args:
        seconds: Length of the limit; it is raised to 1, since Cocoa ignores less.
        categories: Categories in the words of SDKs; none of them means everything.
        scope: The scope of the limit: a key or a project.
        reason: A word without `:` and `,`, which people may read and SDKs do not.
    """
    return f"{max(1, seconds)}:{';'.join(categories)}:{scope}:{reason}"
