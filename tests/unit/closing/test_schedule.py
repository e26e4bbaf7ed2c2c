"""Pauses after a failed step grow, and stay short enough for storage that is back."""

from datetime import timedelta

from app.closing import schedule


def test_pauses_grow_up_to_a_quarter_of_an_hour():
    """The first try again comes soon, and no pause is longer than 15 minutes."""
    pauses = [schedule.find_pause(tries) for tries in (1, 2, 3, 4, 1_000)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=15)
    assert pauses[-1] == timedelta(minutes=15)
