"""Tests of the screens that the row of a replay keeps."""

from app.replays import screen_marks


def test_screens_stand_in_the_order_of_visit_whatever_segment_comes_first():
    """A screen that one segment ends and the next begins with is one visit."""
    later = screen_marks.write_screen_marks(10, ["Cart", "Checkout"])
    earlier = screen_marks.write_screen_marks(9, ["Home", "Cart"])
    names = screen_marks.read_screen_names(sorted({*later, *earlier}))
    assert names == ("Home", "Cart", "Checkout")


def test_a_name_may_hold_what_a_mark_is_made_of():
    """Names are cut by place, not by colons; SQL finds them at the same place."""
    (mark,) = screen_marks.write_screen_marks(99_999, ["00001:00:x"])
    assert screen_marks.read_screen_names([mark]) == ("00001:00:x",)
    assert mark[screen_marks.SQL_NAME_START - 1 :] == "00001:00:x"


def test_a_segment_keeps_a_hundred_screens():
    """Names are cut at 200 bytes."""
    marks = screen_marks.write_screen_marks(0, ["x" * 300] * 120)
    assert len(marks) == 100
    assert {len(mark[9:].encode()) for mark in marks} == {200}
