"""Computes the growing pauses after which a message that did not arrive is sent again."""

import random
from datetime import timedelta
from typing import Final

_PAUSES_S: Final = (
    5, 60, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600,
)  # fmt: skip
"""Seconds after the first try, the second, and so on, as Standard Webhooks recommends."""
_JITTER: Final = 0.1
"""The share by which pauses are lengthened at random, so that retries do not come all at once."""
LONGEST: Final = timedelta(days=4)
"""The age from which a message is not sent any more, for instance from a restored backup."""
LAST_TRY: Final = len(_PAUSES_S) + 1


def find_pause(tries: int, wait_s: int | None = None) -> timedelta | None:
    """Return the pause before the next try, or None if there is none.

    Args:
        tries: The number of times that the message was sent.
        wait_s: The seconds for which the receiver wants to be left alone, if it said so.
    """
    if tries >= LAST_TRY:
        return None
    pause_s = max(_PAUSES_S[tries - 1], wait_s or 0)
    return timedelta(seconds=pause_s * (1 + random.uniform(0, _JITTER)))  # noqa: S311 - no secret
