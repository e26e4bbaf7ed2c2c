"""The demo's only source of chance: the same seed gives the same replay."""

import random


class Dice:
    """Makes ids and small differences; nothing here is a secret."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up data, the same for each seed

    def hex32(self) -> str:
        """Make an id of 128 bits, never zero."""
        return f"{self._random.getrandbits(128) | 1:032x}"

    def hex16(self) -> str:
        """Make an id of 64 bits, never zero."""
        return f"{self._random.getrandbits(64) | 1:016x}"

    def about(self, value: float, *, spread: float = 0.15) -> float:
        """Return a number near `value`, at most `spread` of it away."""
        return value * (1 + self._random.uniform(-spread, spread))

    def share(self) -> float:
        """Return a number from 0 up to 1."""
        return self._random.random()

    def pick(self, count: int) -> int:
        """Return a whole number from 0 up to `count` - 1."""
        return self._random.randrange(count)
