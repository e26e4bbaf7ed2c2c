"""Facts in words."""

from datetime import UTC, datetime, timedelta, timezone

from app.web.words import phrases

AT = datetime(2026, 11, 4, 14, 3, 5, tzinfo=UTC)


def test_control_and_reordering_characters_are_shown_not_obeyed():
    """Line breaks and tabs stay; what could hide or turn text is written out."""
    assert phrases.visible("a\u202eb\x00c\u2067d") == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+2067⟩d"
    assert phrases.visible("a\tb\nשלם \u200f!") == "a\tb\nשלם \u200f!"


def test_counted_nouns_agree_with_their_number():
    """One is singular, everything else plural; thousands are set apart."""
    assert phrases.count(1, "replay") == "1 replay"
    assert phrases.count(0, "replay") == "0 replays"
    assert phrases.count(1204, "entry", "entries") == "1,204 entries"


def test_moments_are_written_in_utc():
    """Whatever zone comes in, the page says UTC; the script makes it the reader's."""
    elsewhere = AT.astimezone(timezone(timedelta(hours=9)))
    assert phrases.day_and_time(elsewhere) == "4 Nov 2026, 14:03 UTC"
    assert phrases.exact(elsewhere) == "2026-11-04 14:03:05 UTC"
    assert phrases.time_of_day(elsewhere) == "14:03:05 UTC"
    assert phrases.iso(elsewhere) == "2026-11-04T14:03:05Z"


def test_long_text_is_cut_with_a_mark():
    """A text at the limit stays whole, one past it ends in an ellipsis and is not longer."""
    assert phrases.shortened("x" * 10, limit=10) == "x" * 10
    assert phrases.shortened("x" * 11, limit=10) == "x" * 9 + "…"


def test_a_short_way_is_shown_whole():
    """Four screens need no shortening: the sign for one more is as long as its name."""
    path = phrases.screen_path(["a", "b", "c", "d"])
    assert path == phrases.ScreenPath(("a", "b", "c", "d"), 0, None)


def test_a_long_way_keeps_its_beginning_and_its_end():
    """Three first screens, the number left out, the last."""
    path = phrases.screen_path(list("abcdefg"))
    assert path == phrases.ScreenPath(("a", "b", "c"), 3, "g")


def test_numbers_that_follow_one_another_are_a_range():
    """Every number is named, alone or within a range."""
    assert phrases.ranges([]) == ""
    assert phrases.ranges([1, 2]) == "1, 2"
    assert phrases.ranges([3, 7, 8, 9, 12]) == "3, 7 to 9, 12"
