"""Properties of any input: shape, repetition, sharing, no errors."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from app.scrub import sensitive_names, walk
from app.scrub.finders import cards, check_digits, named_values, shapes
from app.scrub.matching import folding
from app.scrub.places import PayloadKind
from app.scrub.rules import DEFAULT_RULES, ScrubRules
from app.scrub.text_scrubber import TextKind, TextScrubber, get_scrubber
from tests.support.examples import SETTINGS
from tests.unit.scrub.corpus import SECRETS

STRICT = ScrubRules(
    scrub_ip=True,
    user_email=True,
    phones=True,
    imeis=True,
    sensitive_keys=frozenset({"nickname", "größe"}),
    safe_keys=frozenset({"credentials"}),
)
PIECES = (
    *("password", "token", "pin", "otp", "author", "cookie", "api key", "nickname", "Bearer "),
    *("=", ":", '"', "'", "\\", '\\"', " ", "\n", "&", "?", ";", ",", "/", "//", "@", "-", "."),
    *("{", "}", "[", "]", "<", ">", "%40", "%3D", "%2540", "%20", "pass%77ord=", "code="),
    *("4111 1111 1111 1111", "4111", "6 6", "078-05-1120", "DE89370400440532013000", "GB82 WEST"),
    *("jo@example.org", "/Users/", "/home/", "C:\\Users\\", "a4:5e:60:c1:22:0f", "10.1.2.3", "::1"),
    *("-----BEGIN PRIVATE KEY-----", "-----END", "eyJhbGciOiJIUzI1NiJ9", "<pin>", "</pin>"),
    *("[Filtered]", "[email]", "w1nter", "secret-1", "Jo's iPad", "+491711234567", "é"),
    *("\uff1a", "\uff14"),
    *("insert into u (", "password)", " values ('", "('x1', 7)", "CREATE USER a "),
    *("IDENTIFIED BY ",),
    *("Optional(", 'Some("', "curl -u jo:", "mysql -p", "/token/", "reset-password/", "a1b2c3d4e5"),
    *("#code=", "session=", "%s", "{0}", "$p", "dpop: ", "SK", "0a1b2c3d" * 4, ")", "PASSWORD '"),
    *("\u00a0", "\u2011", "\ud800", "\x00", "\\u0070", "😀", " is ", "null", "12"),
)
NAMES = (
    *("name", "value", "key", "type", "password", "cookies", "request", "url", "headers", "extra"),
    *("user", "id", "email", "breadcrumbs", "data", "message", "view.id", "contexts", "device"),
    *("ip_address", "otp", "max_tokens", "attributes", "items", "body", "tag", "payload"),
    *("debug_meta",),
    *("params", "variables", "query", "sentry.message.template", "sentry.message.parameter.0"),
    *("logentry", "images", "code_file", "release", "settings", "windows", "children"),
    *("identifier",),
)
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
scalars = st.one_of(
    texts, st.text(max_size=20), st.none(), st.booleans(), st.integers(), st.floats(),
    st.just(4111111111111111),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), texts), inner, max_size=4),
    ),
    max_leaves=12,
)
PREFIXES = named_values.NamedValueFinder(sensitive_names.NameJudge(DEFAULT_RULES))._prefix_pattern
PATTERNS = (cards._RUN, cards._ODD_RUN, PREFIXES, shapes._EMAIL, shapes._SCHEMED, shapes._IP_RUN)
rule_sets = st.sampled_from((DEFAULT_RULES, STRICT))


def shape(value: Any) -> Any:
    """Return the containers of a value without their contents."""
    if isinstance(value, dict):
        return ("map", [shape(item) for item in value.values()])
    return ("list", [shape(item) for item in value]) if isinstance(value, list) else None


@settings(max_examples=100)
@given(value=values, rules=rule_sets, kind=st.sampled_from(PayloadKind))
def test_any_value_keeps_its_containers(value: Any, rules: ScrubRules, kind: PayloadKind):
    """The output has the same containers, the input is unchanged, and a change has a remark."""
    before = copy.deepcopy(value)
    out = walk.scrub_json(value, rules, kind=kind)
    assert shape(out.value) == shape(value)
    assert repr(value) == repr(before)
    assert (out.value is value) == (not out.remarks)
    assert "scrub-failed" not in {remark.rule for remark in out.remarks}
    json.dumps(out.value)


@settings(max_examples=100)
@given(value=values, rules=rule_sets, kind=st.sampled_from(PayloadKind))
def test_scrubbing_twice_is_scrubbing_once(value: Any, rules: ScrubRules, kind: PayloadKind):
    """The output is clean."""
    once = walk.scrub_json(value, rules, kind=kind).value
    twice = walk.scrub_json(once, rules, kind=kind)
    assert repr(twice.value) == repr(once)


@settings(max_examples=100)
@given(text=texts, rules=rule_sets, text_kind=st.sampled_from(TextKind))
def test_a_hint_never_hides_what_a_rule_finds(text: str, rules: ScrubRules, text_kind: TextKind):
    """Matching the hints first gives the result of trying every rule, for text and raw JSON."""
    compiled = get_scrubber(rules)
    tried, _ = compiled.scrub(text, text_kind, range(40))
    assert compiled.scrub(text, text_kind)[0] == tried
    if tried != text and text.isprintable():
        for ascii_only in (True, False):
            raw = json.dumps({"x": text}, ensure_ascii=ascii_only).encode("utf-8", "replace")
            assert not walk.is_clean(raw, rules)


@settings(max_examples=100)
@given(events=st.lists(st.one_of(values, st.builds(dict, type=scalars, data=values)), max_size=4))
def test_any_list_is_a_recording(events: list[Any]):
    """Malformed events are walked, not refused, and keep their order."""
    out = walk.scrub_recording(events)
    assert [shape(event) for event in out.value] == [shape(event) for event in events]


@given(text=st.text())
def test_folding_keeps_positions(text: str):
    """One character becomes one, and the result can be encoded."""
    assert len(folding.fold_text(text)) == len(text)
    folding.fold_text(text).encode()


@given(raw=st.binary())
def test_any_bytes_are_clean_or_not(raw: bytes):
    """Matching raw bytes never raises."""
    assert walk.is_clean(raw) in {True, False}


def unclosed(secret: str) -> bool:
    """Tell whether a text may extend into the next one: an open quote or bracket, a cut key."""
    return any(secret.count(sign) % 2 for sign in "\"'") or "BEGIN PRIVATE" in secret


@pytest.mark.parametrize("line", [text for text, _ in SECRETS if not unclosed(text)])
@pytest.mark.parametrize("between", ["\n", "\n\u00e9 ok\n"])
def test_a_dense_text_is_scrubbed_like_each_of_its_lines(line: str, between: str):
    """Each of many secrets in a text goes as it would alone, and other text stays."""
    alone = walk.scrub_json({"extra": line}, kind=PayloadKind.EVENT).value["extra"]
    dense = walk.scrub_json({"extra": (line + between) * 70}, kind=PayloadKind.EVENT)
    assert dense.value["extra"] == (alone + between) * 70
    assert all(remark.count % 70 == 0 for remark in dense.remarks)


@given(names=st.lists(st.text("abcdef0123", min_size=1, max_size=6), min_size=1, max_size=80))
def test_values_of_any_other_name_stay(names: list[str]):
    """One secret among many values of other names is the only one that goes."""
    text = "&".join(f"{name}=1" for name in names)
    out = walk.scrub_json({"extra": f"{text}&pwd=x1&{text}"}, kind=PayloadKind.EVENT)
    assert out.value == {"extra": f"{text}&pwd=[Filtered]&{text}"}


def test_a_long_hostile_text_is_scrubbed():
    """200 kB that nearly match many rules are scrubbed."""
    text = "a@b.password4111 4111:eyJ[//" * 8_000
    out = walk.scrub_json({"extra": {"x": text}}, kind=PayloadKind.EVENT)
    assert isinstance(out.value["extra"]["x"], str)


def test_rules_are_compiled_once():
    """Equal rules share one compiled form."""
    assert get_scrubber(ScrubRules(phones=True)) is get_scrubber(ScrubRules(phones=True))
    assert isinstance(get_scrubber(DEFAULT_RULES), TextScrubber)


@SETTINGS
@given(text=st.one_of(texts, st.text(max_size=20), st.text("4 6-.+aA_\u0665", max_size=40)))
def test_ranges_are_those_that_the_package_finds(text: str):
    """Calling the matcher directly gives the result of the methods of the re2 package."""
    text = folding.fold_text(text)
    for pattern in PATTERNS:
        theirs = pattern._compiled
        expected = [(each.start(), each.end(), each.group()) for each in theirs.finditer(text)]
        matches = pattern.finditer(text)
        assert [(each.start(), each.end(), each.group()) for each in matches] == expected
        assert list(pattern.find_ranges(text)) == [(start, end) for start, end, _ in expected]
        for name in ("search", "match", "fullmatch"):
            match, their_match = getattr(pattern, name)(text), getattr(theirs, name)(text)
            assert (match is None) == (their_match is None)
            if match is not None:
                groups = range(theirs.groups + 1)
                assert [match.group(group) for group in groups] == [
                    their_match.group(group) or "" for group in groups
                ]
                assert [match.start(group) for group in groups] == [
                    their_match.start(group) for group in groups
                ]


@SETTINGS
@given(digits=st.text("0123456789", min_size=1, max_size=40), data=st.data())
def test_check_digits_are_those_of_the_textbook(digits: str, data: st.DataObject):
    """The quick check of each run of a long number agrees with the textbook's."""
    start = data.draw(st.integers(0, len(digits) - 1))
    end = data.draw(st.integers(start + 1, len(digits)))
    total = 0
    for place, digit in enumerate(reversed(digits[start:end])):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    is_right = total % 10 == 0
    assert check_digits.has_luhn_digit(digits[start:end]) is is_right
    if end - start <= 28:
        totals = check_digits.sum_luhn_digits(digits.encode(), end - start)[end - start]
        assert (totals >> 8 * start) % 256 % 10 == total % 10
