"""Tests of recorded texts in reports, which may not leave their place."""

import unicodedata

import pytest
from hypothesis import given, strategies

from app.reports.plain_text import clean_text, quote_text, write_code_span


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Pay now", "Pay now"),
        (" Pay\r\n\tnow\u2028! ", "Pay now !"),
        ("a\x00\x1b[31mb\x7f", "a[31mb"),
        ("pay\u202egnp.exe", "paygnp.exe"),
        ("family 👨‍👩‍👧", "family 👨‍👩‍👧"),
        ("x" * 130, "x" * 119 + "…"),
        ("", ""),
    ],
)
def test_a_text_stays_on_its_line(text, cleaned):
    """Line breaks become blanks; control and reordering characters go; emoji stay whole."""
    assert clean_text(text) == cleaned


@given(strategies.text())
def test_any_text_becomes_one_printable_line(text):
    """Whatever comes, one line with a limit is left."""
    cleaned = clean_text(text)
    assert len(cleaned) <= 120
    assert len(cleaned.splitlines()) <= 1
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in cleaned)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Pay now", "`Pay now`"),
        ("a `b` c", "``a `b` c``"),
        ("`@ada` <b>#1</b>", "`` `@ada` <b>#1</b> ``"),
        ("``", "``` `` ```"),
        ("", "` `"),
    ],
)
def test_a_code_span_holds_any_backticks(text, span):
    """Its fence is longer than any run of backticks in it."""
    assert write_code_span(text) == span


def test_a_quoted_text_stands_in_quotation_marks():
    """Plain text has no other markup."""
    assert quote_text("Pay\nnow") == "“Pay now”"
