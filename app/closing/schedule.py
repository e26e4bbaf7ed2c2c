"""Computes when the steps of a closed replay are tried again after a failure."""

from datetime import timedelta
from typing import Final

FAILING_TRIES: Final = 4
"""Tries in a row, over some twenty minutes, after which a replay is reported as failing."""
_PAUSES: Final = (timedelta(seconds=15), timedelta(minutes=2), timedelta(minutes=15))
"""The last one is as long as what waited for storage may take once it answers again."""


def find_pause(tries: int) -> timedelta:
    """Return the pause after so many tries in a row, from 1, that have failed: it grows."""
    return _PAUSES[min(tries, len(_PAUSES)) - 1]
