"""When a message that did not arrive is sent again: after a growing pause, for three days."""

import random
from datetime import timedelta
from typing import Final

_PAUSES_S: Final = (
    5, 60, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600,
)  # fmt: skip
"""After the first try, the second, and so on: those that Standard Webhooks recommends."""
_JITTER: Final = 0.1
"""Pauses are up to so much longer, so that what failed together is not sent again together."""
LONGEST: Final = timedelta(days=4)
"""What is older is not sent any more, say after a backup was restored: it is no news."""
LAST_TRY: Final = len(_PAUSES_S) + 1


def find_pause(tries: int, wait_s: int | None = None) -> timedelta | None:
    """Return the pause before the next try, or None if there is none.

    Args:
        tries: How often the message was sent.
        wait_s: The seconds for which the receiver wants to be left alone, if it said so.
    """
    if tries >= LAST_TRY:
        return None
    pause_s = max(_PAUSES_S[tries - 1], wait_s or 0)
    return timedelta(seconds=pause_s * (1 + random.uniform(0, _JITTER)))  # noqa: S311 - no secret
