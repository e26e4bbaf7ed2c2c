"""How many rounds of the fault and hostile tests run, and with which random numbers.

PLAYHEAD_TEST_SCALE   ci (the default), nightly, or a number: that share of nightly
PLAYHEAD_TEST_SEED    another number, other moments and other bytes
"""

import os
import random
from typing import Final

SEED: Final = int(os.environ.get("PLAYHEAD_TEST_SEED", "1"))
_SCALE: Final = os.environ.get("PLAYHEAD_TEST_SCALE", "ci")
IS_CI: Final = _SCALE == "ci"


def rounds(*, ci: int, nightly: int) -> int:
    """Return how many rounds to run: at least one."""
    if IS_CI:
        return ci
    return nightly if _SCALE == "nightly" else max(1, round(nightly * float(_SCALE)))


def seeded_dice(*names: object) -> random.Random:
    """Return dice that fall the same way for the same seed and names."""
    return random.Random(":".join(map(str, (SEED, *names))))
