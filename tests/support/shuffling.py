"""Random orders of arrival."""

import random
from collections.abc import Sequence


def cut_into_batches[T](
    found: Sequence[T], dice: random.Random, *, again: int, most: int
) -> list[list[T]]:
    """Cut things into batches by chance.

    Args:
        found: The things.
        dice: What decides.
        again: How many of them come twice.
        most: The size of the largest batch.
    """
    left = [*found, *dice.sample([*found], again)]
    dice.shuffle(left)
    cut = []
    while left:
        size = dice.randint(1, most)
        cut.append(left[:size])
        left = left[size:]
    return cut
