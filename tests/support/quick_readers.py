"""Checks that a quick reader agrees with its plain one on everything that it reads at all."""

from collections.abc import Callable


def assert_quick_equals_plain[Input, Value](
    data: Input, *, quick: Callable[[Input], Value | None], plain: Callable[[Input], Value]
) -> bool:
    """Read the same input in both ways, and compare the values.

    Args:
        data: The input.
        quick: Returns None for an input that it leaves to the plain reader; it never raises.
        plain: May refuse the input, but only where the quick reader leaves it alone.

    Returns:
        Whether the quick reader has read the input. A test of usual inputs asserts it.
    """
    value = quick(data)
    if value is None:
        return False
    assert value == plain(data)
    return True
