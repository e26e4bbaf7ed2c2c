"""Lines of source code around a position."""

import pytest

from app.formats.debug_files import source_lines
from app.formats.debug_files.source_lines import LINE_CHARS, SourceLines


def cut_source_lines(text: str, line: int, column: int | None = None) -> SourceLines:
    """Cut out a line that is there."""
    lines = source_lines.cut_source_lines(text, line, column=column)
    assert lines is not None
    return lines


TEXT = "\n".join(f"line {number}" for number in range(1, 21))


def test_five_lines_stand_before_and_after():
    """The frame shows its line between five others on both sides."""
    lines = cut_source_lines(TEXT, 10)
    assert lines.line == "line 10"
    assert lines.before == [f"line {number}" for number in range(5, 10)]
    assert lines.after == [f"line {number}" for number in range(11, 16)]


def test_at_the_ends_there_are_fewer_lines():
    """The first line has none before it, the last none after it."""
    assert cut_source_lines(TEXT, 1).before == []
    assert cut_source_lines(TEXT, 20).after == []
    assert cut_source_lines(TEXT, 19).after == ["line 20"]


@pytest.mark.parametrize("line", [-1, 0, 21, 10**9])
def test_a_line_that_is_not_there_gives_none(line):
    """A source that does not fit the map shows no lines, not wrong ones."""
    assert source_lines.cut_source_lines(TEXT, line) is None


def test_line_ends_of_windows_are_taken_off():
    """Sources come from every kind of machine."""
    lines = cut_source_lines("a\r\nb\r\nc\r\n", 2)
    assert (lines.before, lines.line, lines.after) == (["a"], "b", ["c", ""])


@pytest.mark.parametrize(("column", "shown"), [(1, "0,"), (2_000, ",2000,"), (None, "0,")])
def test_a_long_line_is_cut_around_the_column(column, shown):
    """The text at the column stays; a mark stands where something was cut off."""
    long = "".join(f"{number}," for number in range(3_000))
    start = long.index(f",{column},") if column == 2_000 else 0
    line = cut_source_lines(f"x\n{long}", 2, column=start + 1 if column else None).line
    assert len(line) == LINE_CHARS
    assert shown in line
    assert line.endswith("…")
    assert line.startswith("…") is (column == 2_000)


def test_the_end_of_a_long_line_is_shown_whole():
    """A column at the end shows the last characters, without a mark behind them."""
    line = cut_source_lines("a" * 500 + "end", 1, column=502).line
    assert line.startswith("…")
    assert line.endswith("aend")
    assert len(line) == LINE_CHARS
