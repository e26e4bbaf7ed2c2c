"""What was seen lately is known, within a budget."""

from app.core.bounded_cache import BoundedCache

EACH = 300
"""What an entry of a hundred bytes takes."""


def filled(count: int, *, budget: int) -> BoundedCache[int, str]:
    """Return a cache that was told of so many things, of a hundred bytes each."""
    recent: BoundedCache[int, str] = BoundedCache(budget * EACH)
    for number in range(count):
        recent.put(number, f"value {number}", 100)
    return recent


def known(recent: BoundedCache[int, str], count: int) -> list[int]:
    """List what is known, without asking for it in a way that keeps it."""
    return [number for number in range(count) if number in {**recent._old, **recent._young}]


def test_what_was_put_is_found():
    """And nothing else."""
    recent = filled(3, budget=10)
    assert [recent.get(number) for number in (0, 2, 3)] == ["value 0", "value 2", None]


def test_the_oldest_are_forgotten_within_the_budget():
    """Between half of the budget and all of it is kept."""
    assert known(filled(100, budget=10), 100) == list(range(90, 100))
    assert len(known(filled(57, budget=10), 57)) <= 10


def test_what_is_asked_for_stays():
    """However much else comes in between."""
    recent = filled(1, budget=10)
    for number in range(1, 100):
        recent.put(number, "", 100)
        assert recent.get(0) == "value 0"


def test_what_is_too_large_is_not_kept():
    """One thing must not push all others out."""
    recent = filled(2, budget=10)
    recent.put(7, "large", 5 * EACH)
    assert recent.get(7) is None
    assert known(recent, 9) == [0, 1]
