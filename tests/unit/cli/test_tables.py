"""Tables of commands can be searched line by line where they go to a file or another program."""

from rich.table import Table

from app.cli.environment import print_table


def test_each_row_is_one_line_with_its_texts_as_they_are(capsys):
    """Line ends of all kinds become spaces, and words between colons are no pictures."""
    table = Table("Name", "Text", box=None)
    table.add_row("one\ntwo", "a\u2028b\x85c", style="red")
    table.add_row(":bug:", "x" * 300)
    print_table(table)
    lines = capsys.readouterr().out.split("\n")
    assert [line.split() for line in lines] == [
        ["Name", "Text"],
        ["one", "two", "a", "b", "c"],
        [":bug:", "x" * 300],
        [],
    ]
