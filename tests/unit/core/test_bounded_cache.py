"""The cache keeps recently used values within its budget."""

from app.core.bounded_cache import BoundedCache

ENTRY_BYTES = 300
"""Size of an entry with a value of a hundred bytes."""


def filled(count: int, *, budget: int) -> BoundedCache[int, str]:
    """Return a cache to which so many values of a hundred bytes were added."""
    cache: BoundedCache[int, str] = BoundedCache(budget * ENTRY_BYTES)
    for number in range(count):
        cache.put(number, f"value {number}", 100)
    return cache


def cached_keys(cache: BoundedCache[int, str], count: int) -> list[int]:
    """List the keys in the cache without reading them, which would keep them."""
    return [number for number in range(count) if number in {**cache._old, **cache._young}]


def test_an_added_value_is_found():
    """Other keys are not."""
    cache = filled(3, budget=10)
    assert [cache.get(number) for number in (0, 2, 3)] == ["value 0", "value 2", None]


def test_the_oldest_values_are_dropped():
    """The cache keeps between half of its budget and all of it."""
    assert cached_keys(filled(100, budget=10), 100) == list(range(90, 100))
    assert len(cached_keys(filled(57, budget=10), 57)) <= 10


def test_a_value_that_is_used_stays():
    """Any number of others may come in between."""
    cache = filled(1, budget=10)
    for number in range(1, 100):
        cache.put(number, "", 100)
        assert cache.get(0) == "value 0"


def test_a_value_that_is_too_large_is_not_kept():
    """A value larger than the cache would push all others out."""
    cache = filled(2, budget=10)
    cache.put(7, "large", 5 * ENTRY_BYTES)
    assert cache.get(7) is None
    assert cached_keys(cache, 9) == [0, 1]
