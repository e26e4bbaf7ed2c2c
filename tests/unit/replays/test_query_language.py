"""Tests of the query language of lists."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import InvalidInput
from app.replays.search import query_language
from app.replays.search.query_language import (
    Conjunction,
    Disjunction,
    Negation,
    QueryTerm,
    TermValue,
)

_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_VALUE = st.lists(st.text(max_size=6), min_size=1, max_size=3).map(
    lambda all_: TermValue(tuple(all_))
)
_KEY = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_.\-]{0,8}\Z")
_TERM = st.one_of(
    st.builds(QueryTerm, st.none(), st.just("="), st.tuples(_VALUE)),
    st.builds(QueryTerm, _KEY, st.just("="), st.lists(_VALUE, min_size=1, max_size=3).map(tuple)),
    st.builds(QueryTerm, _KEY, st.sampled_from([">", ">=", "<", "<="]), st.tuples(_VALUE)),
)


def _grown(parts):
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Negation, parts), st.builds(Conjunction, several), st.builds(Disjunction, several)
    )


_EXPRESSIONS = st.recursive(_TERM, _grown, max_leaves=6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  ", ()),
        ("pixel", (QueryTerm(None, "=", (TermValue(("pixel",)),)),)),
        ('device.model:"Pixel 9"', (query_language.exact_term("device.model", "Pixel 9"),)),
        ("!release:a@1", (Negation(query_language.exact_term("release", "a@1")),)),
        ("count_errors:>=2", (QueryTerm("count_errors", ">=", (TermValue(("2",)),)),)),
        ("screen:Check*t", (QueryTerm("screen", "=", (TermValue(("Check", "t")),)),)),
        (r"screen:a\*b", (query_language.exact_term("screen", "a*b"),)),
        ("os.name:[iOS, Android]", (query_language.exact_term("os.name", "iOS", "Android"),)),
        ("tags[my.plan]:pro", (query_language.exact_term("tags[my.plan]", "pro"),)),
        ("a:1 AND b:2", (query_language.exact_term("a", "1"), query_language.exact_term("b", "2"))),
        ('"OR"', (QueryTerm(None, "=", (TermValue(("OR",)),)),)),
        ('"a:b"', (QueryTerm(None, "=", (TermValue(("a:b",)),)),)),
        ('user.email:""', (query_language.exact_term("user.email", ""),)),
    ],
)
def test_a_query_is_read(text, expected):
    """Terms stand side by side; quotes, lists, stars and operators mean what they look like."""
    assert query_language.read_query(text) == Conjunction(expected)


def test_or_binds_weaker_than_side_by_side():
    """Brackets group; OR takes everything to its left and right."""
    a, b, c = (query_language.exact_term(key, "1") for key in "abc")
    assert query_language.read_query("a:1 b:1 OR c:1") == Conjunction(
        (Disjunction((Conjunction((a, b)), c)),)
    )
    assert query_language.read_query("a:1 (b:1 OR c:1)") == Conjunction((a, Disjunction((b, c))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(a:1", "the bracket at character 1 is never closed"),
        ("a:1)", "the ')' at character 4 was never opened"),
        ('a:"x', "the quotation mark at character 3 is never closed"),
        ("a:[x", "the list at character 3 is never closed"),
        ("a:", "a value is missing at character 3"),
        ("a:1 OR", "a condition is missing at character 7"),
        ("OR a:1", "a condition is missing at character 1"),
        ("!", "a value is missing at character 2"),
        ("()", "a condition is missing at character 2"),
    ],
)
def test_nonsense_is_refused_with_its_place(text, message):
    """The message counts characters from 1, as people do."""
    with pytest.raises(InvalidInput) as caught:
        query_language.read_query(text)
    assert str(caught.value) == message


def test_a_query_has_limits():
    """Length, depth and number of terms, each at the limit and one past it."""
    query_language.read_query("x" * query_language.LONGEST_CHARS)
    query_language.read_query(" ".join(["x"] * query_language.MOST_TERMS))
    query_language.read_query("(" * query_language.DEEPEST + "x" + ")" * query_language.DEEPEST)
    for text in (
        "x" * (query_language.LONGEST_CHARS + 1),
        " ".join(["x"] * (query_language.MOST_TERMS + 1)),
        "(" * (query_language.DEEPEST + 1) + "x" + ")" * (query_language.DEEPEST + 1),
        "!" * (query_language.DEEPEST + 2) + "x",
    ):
        with pytest.raises(InvalidInput):
            query_language.read_query(text)


@given(_EXPRESSIONS)
def test_what_is_written_reads_as_the_same(expression):
    """A chip's text, put into the field, is the chip."""
    once = query_language.read_query(query_language.write_query(expression))
    assert query_language.read_query(query_language.write_query(once)) == once
    truths = {
        term: hash((term.key, term.operator, term.values)) % 2 == 0
        for term in query_language.list_terms(once)
    }
    assert query_language.is_satisfied(once, truths.__getitem__) == query_language.is_satisfied(
        expression, truths.__getitem__
    )


@given(_TEXT)
def test_any_text_is_read_or_refused(text):
    """Nothing but `InvalidInput` ever comes out."""
    try:
        query_language.read_query(text)
    except InvalidInput:
        return


def test_a_part_can_be_left_out():
    """The cross on a chip removes its part of the query and keeps the others."""
    query = query_language.read_query("a:1 (b:2 OR c:3) !d:4")
    assert (
        query_language.write_query(query_language.remove_part(query, query.parts[1])) == "a:1 !d:4"
    )
    assert (
        query_language.write_query(query_language.remove_part(query, query.parts[0]))
        == "(b:2 OR c:3) !d:4"
    )
