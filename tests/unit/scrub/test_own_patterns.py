"""Patterns of a project: what they remove, what they may cost, and that they fail closed."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies

from app.core.errors import InvalidInput
from app.scrub import walk
from app.scrub.matching.own_patterns import (
    OwnPatternHints,
    PatternRefused,
    compile_own_pattern,
    relax_pattern,
)
from app.scrub.places import PayloadKind
from app.scrub.rule_checks import MOST_KEYS, MOST_PATTERNS, check_rules
from app.scrub.rules import CLOSED_RULES, DEFAULT_RULES, FAILED, OwnPattern, ScrubRules

EMPLOYEE = OwnPattern("employee", r"\bEMP-\d{6}\b")
CUSTOMER = OwnPattern("customer", r"^\d{8}$")
RULES = ScrubRules(patterns=(EMPLOYEE, CUSTOMER))


def clean(value: Any, rules: ScrubRules = RULES) -> Any:
    """Scrub an event with the rules."""
    return walk.scrub_json(value, rules, kind=PayloadKind.EVENT).value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("seen by EMP-123456 today", "seen by [Filtered] today"),
        ("EMP-123456", "[Filtered]"),
        ("EMP-\uff11\uff12\uff13\uff14\uff15\uff16", "[Filtered]"),
        ("EMP\u2011123456", "[Filtered]"),
        ("https://x.example/staff/EMP-123456/badge", "https://x.example/staff/[Filtered]/badge"),
        ("TEMP-123456", "TEMP-123456"),
        ("12345678", "[Filtered]"),
        (12345678, "[Filtered]"),
        (12345678.0, "[Filtered]"),
        (12345678.5, 12345678.5),
        ("order 12345678", "order 12345678"),
        ("password=EMP-123456 x", "password=[Filtered] x"),
        ('{"who": "EMP-123456"}', '{"who": "[Filtered]"}'),
        ("café EMP-123456 «ü»", "café [Filtered] «ü»"),
    ],
)
def test_a_pattern_removes_what_it_matches(before: Any, after: Any):
    """Each match goes, in text, in look-alike digits, in JSON inside a text and as a number."""
    assert clean({"message": before}) == {"message": after}
    assert clean({"extra": {"a": [before, 1]}}) == {"extra": {"a": [after, 1]}}


def test_a_pattern_names_itself_in_the_remark():
    """The remark on a removal has the name that the project gave to the pattern."""
    result = walk.scrub_json({"message": "EMP-123456"}, RULES, kind=PayloadKind.EVENT)
    assert [(remark.rule, remark.path, remark.count) for remark in result.remarks] == [
        ("pattern: employee", "message", 1)
    ]


def test_marks_are_never_cut():
    """A greedy pattern takes marks whole, and its own result does not change again."""
    rules = ScrubRules(patterns=(OwnPattern("words", r"\w+ \w+"), OwnPattern("all", "z.+")))
    for text in ("jo@example.com abc def", "password=hunter22 abc def", "zz jo@example.com"):
        once = clean({"message": text}, rules)
        assert clean(once, rules) == once
        assert once["message"].count("[") == once["message"].count("]")


def test_a_pattern_applies_to_recordings_as_they_came():
    """The quick check of a recording's JSON sees a match also behind escapes."""
    rules = ScrubRules(patterns=(OwnPattern("path", "^/staff/[a-z]+$"), EMPLOYEE))
    for text in ("/staff/jo", "EMP-123456"):
        for raw in (json.dumps({"a": text}), json.dumps({"a": text}).replace("/", "\\/")):
            assert not walk.is_clean(raw.encode(), rules)
    assert walk.is_clean(b'{"a":"https:\\/\\/x.example\\/staff-list"}', rules)


@given(strategies.text(max_size=40), strategies.text('ab-1 /"\\é', max_size=12))
def test_hints_match_wherever_a_pattern_does(around: str, middle: str):
    """A text that a pattern matches is never called clean, alone or inside JSON."""
    rules = ScrubRules(patterns=(OwnPattern("a", r"\Aa+\b"), OwnPattern("b", r"[^]^a]1$|\b/b")))
    hints = OwnPatternHints(rules.patterns)
    text = middle + around
    for own in rules.patterns:
        if compile_own_pattern(own.pattern).search(text):
            assert hints.find_candidates(text)
            for ascii_only in (True, False):
                written = json.dumps({"x": text}, ensure_ascii=ascii_only)
                assert hints.may_match_json(written.encode(errors="surrogatepass"))


@pytest.mark.parametrize(
    ("pattern", "relaxed"),
    [
        (r"^a\b$", "(?:)a(?:)(?:)"),
        (r"[$^]\$\^", r"[$^]\$\^"),
        (r"[]$]^[^]$[:digit:]$]", r"[]$](?:)[^]$[:digit:]$]"),
        (r"\\b\A\z\B", r"\\b(?:)(?:)(?:)"),
    ],
)
def test_assertions_are_taken_out(pattern: str, relaxed: str):
    """Only what asserts a place goes, not the same characters in classes and behind escapes."""
    assert relax_pattern(pattern) == relaxed


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "a*", "^", "$", r"\b", "(?:)", "a|", "(?:a?)*", "(?i)", "x{0}", r"(?:\b|a)"),
        *("(", "[", "*a", r"\1", "(?=a)", "(?<!a)b", "(?P<a", "a**", "\\", r"[\]"),
        *(r"\Q^\E", r"\C", "\ud800", "[[:nothing:]]", r"\p{Klingon}"),
        *("[ab]*a[ab]{300}z", "(.{0,100}){5}x", "((a{30}){30})", "(a.{0,40}){4}"),
        *("(?:.{1,30}-){8}", ".{50}a.{50}.{99}"),
        *(r"(?:[\pL]{1,50}){1,20}", r"(\pL|\pN){1,200}", "a{1000}", "(?:a{99}){99}", "(a?){200}a"),
        "x" * 501,
    ],
)  # fmt: skip
def test_patterns_that_are_wrong_or_too_costly_are_refused(pattern: str):
    """A pattern that is none, matches nothing at all, or takes too many steps is not saved."""
    with pytest.raises(PatternRefused):
        compile_own_pattern(pattern)
    with pytest.raises(InvalidInput):
        check_rules(ScrubRules(patterns=(OwnPattern("evil", pattern),)))


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|aa)+$", "(x+x+)+y", "(.*)*b", "(a|a?)+c", "(?:.*a){10}Q", r"(\w+\s?)+#"],
)
def test_patterns_that_backtrack_elsewhere_are_linear_here(pattern: str):
    """Patterns that hang other matchers either match in one pass or are refused."""
    try:
        compile_own_pattern(pattern)
    except PatternRefused:
        return
    rules = ScrubRules(patterns=(OwnPattern("evil", pattern),))
    # A matcher that backtracks would need longer than the universe exists.
    clean({"message": "a" * 200_000, "extra": {"b": "x" * 200_000 + "!"}}, rules)


def test_a_rule_that_fails_lets_nothing_through():
    """A saved pattern that no longer compiles replaces every text that it could be meant for."""
    rules = ScrubRules(patterns=(OwnPattern("broken", "("),))
    event = {"message": "pay EMP-123456", "level": "error", "tags": {"a": "b"}}
    for closed in (rules, CLOSED_RULES):
        result = walk.scrub_json(event, closed, kind=PayloadKind.EVENT)
        assert result.value["message"] == FAILED
        assert "EMP" not in json.dumps(result.value)
        assert '"b"' not in json.dumps(result.value)
        assert result.value["level"] == "error"
        assert {"scrub-failed"} == {remark.rule for remark in result.remarks}


def test_rules_that_fit_into_no_matcher_let_nothing_through():
    """Rules that are larger than the matcher's memory close, instead of being left out."""
    keys = frozenset(f"{number}" + "$#" * 200 for number in range(200))
    result = clean({"message": "nothing special"}, ScrubRules(sensitive_keys=keys))
    assert result == {"message": FAILED}


def test_limits_of_rules():
    """The limits hold at their edge, and one past them is refused with its name."""
    keys = [f"key-{number}" for number in range(MOST_KEYS + 1)]
    patterns = [OwnPattern(f"p{number}", f"a{number}b") for number in range(MOST_PATTERNS + 1)]
    check_rules(ScrubRules(frozenset(keys[1:]), frozenset(keys[1:]), patterns=tuple(patterns[1:])))
    check_rules(ScrubRules(sensitive_keys=frozenset({"ab", "x" * 60, "Straßen_name", "a b"})))
    for rules, words in (
        (ScrubRules(sensitive_keys=frozenset(keys)), "at most 100"),
        (ScrubRules(safe_keys=frozenset(keys)), "at most 100"),
        (ScrubRules(patterns=tuple(patterns)), "at most 20"),
        (ScrubRules(sensitive_keys=frozenset({"x" * 61})), "61 characters"),
        (ScrubRules(sensitive_keys=frozenset({"x"})), "1 characters"),
        (ScrubRules(sensitive_keys=frozenset({"a$b"})), "is no name"),
        (ScrubRules(sensitive_keys=frozenset({"a\nb"})), "is no name"),
        (ScrubRules(patterns=(EMPLOYEE, OwnPattern("employee", "x"))), "two patterns"),
        (ScrubRules(patterns=(OwnPattern("", "x"),)), "needs a name"),
        (ScrubRules(patterns=(OwnPattern("n" * 41, "x"),)), "needs a name"),
        (ScrubRules(patterns=(OwnPattern("a\u202eb", "x"),)), "needs a name"),
    ):
        with pytest.raises(InvalidInput, match=words):
            check_rules(rules)
    check_rules(DEFAULT_RULES)
