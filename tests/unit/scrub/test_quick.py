"""The quick scrubber of an object has the outcome of the walk over the whole object."""

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from app.formats import json_members, jsonish
from app.scrub import places, walk
from app.scrub.places import PayloadKind, PlaceRole
from app.scrub.quick import try_scrub_members
from app.scrub.rules import DEFAULT_RULES, FILTERED, ScrubRules
from app.scrub.text_scrubber import TextScrubber
from tests.support.builders.payloads import event
from tests.support.examples import SETTINGS
from tests.support.quick_readers import assert_quick_equals_plain
from tests.support.recorded import contents, samples
from tests.unit.scrub.test_properties import NAMES, rule_sets, texts as pieces, values

CARD = "4111 1111 1111 1111"
AT_THE_TOP = (
    *("exception", "user", "request", "contexts", "breadcrumbs", "extra", "tags", "release"),
    *("message", "debug_meta", "threads", "sdk", "transaction", "environment", *NAMES),
)
objects = st.dictionaries(st.one_of(st.sampled_from(AT_THE_TOP), pieces), values, max_size=5)
separators = st.sampled_from(((",", ":"), (", ", ": "), (" ,\n", " :\t")))


def written(value: Any, *, is_ascii: bool = False, between: tuple[str, str] = (",", ":")) -> bytes:
    """Write JSON as some SDK may."""
    text = json.dumps(value, ensure_ascii=is_ascii, separators=between, allow_nan=False)
    return text.encode("utf-8", "replace").replace(b"/", b"\\/")


def scrub_quickly(
    text: bytes, rules: ScrubRules = DEFAULT_RULES, kind: PayloadKind = PayloadKind.EVENT
) -> Any:
    """Scrub an object by its members; None if that is left to the walk over the whole."""
    members = json_members.split_members(text)
    clean = try_scrub_members(members, rules, kind=kind) if members is not None else None
    return None if clean is None else jsonish.decode(json_members.join_members(clean), "clean")


def is_quick(
    text: bytes, rules: ScrubRules = DEFAULT_RULES, kind: PayloadKind = PayloadKind.EVENT
) -> bool:
    """Scrub an object in both ways, and tell whether the quick one can do it.

    What is compared is the written form, since it tells the order of names, and 1 from 1.0.
    """

    def quick(text: bytes) -> str | None:
        clean = scrub_quickly(text, rules, kind)
        return None if clean is None else repr(clean)

    def plain(text: bytes) -> str:
        return repr(walk.scrub_json(jsonish.decode(text, "text"), rules, kind=kind).value)

    return assert_quick_equals_plain(text, quick=quick, plain=plain)


@SETTINGS
@given(
    value=objects,
    rules=rule_sets,
    kind=st.sampled_from([kind for kind in PayloadKind if kind is not PayloadKind.RECORDING]),
    is_ascii=st.booleans(),
    between=separators,
)
def test_the_quick_scrubber_equals_the_walk(
    value: Any, rules: ScrubRules, kind: PayloadKind, is_ascii: bool, between: tuple[str, str]
):
    """Both give the same result for any object, however it is written."""
    try:
        text = written(value, is_ascii=is_ascii, between=between)
    except ValueError:
        return  # NaN is not JSON
    is_quick(text, rules, kind)


@settings(SETTINGS, deadline=None)
@given(path=st.lists(st.integers(0, 9), min_size=1, max_size=5), secret=pieces, data=st.data())
def test_a_secret_anywhere_in_a_real_event_is_removed(
    path: list[int], secret: str, data: st.DataObject
):
    """A secret anywhere in a crash of the Java SDK is removed, as in the walk."""
    value = copy.deepcopy(event())
    container: Any = value
    for step in path:
        members = list(container.values()) if isinstance(container, dict) else container
        containers = [member for member in members if isinstance(member, dict | list)]
        if not containers:
            break
        container = containers[step % len(containers)]
    if isinstance(container, dict):
        container[data.draw(st.sampled_from([*NAMES, *container]))] = secret
    else:
        container.append(secret)
    is_quick(written(value))


@pytest.mark.parametrize("family", samples.families())
def test_nearly_all_events_of_sdks_are_scrubbed_quickly(family: str):
    """Every recorded error and transaction has the same outcome in both ways."""
    kinds = {"event": PayloadKind.EVENT, "transaction": PayloadKind.TRANSACTION}
    for request in contents.requests(family):
        for item in contents.envelope_of(request).items:
            if item.type in kinds:
                is_quick(bytes(item.payload), kind=kinds[item.type])


def test_a_clean_object_stays_as_it_came():
    """Not a byte of it is written anew."""
    text = b'{"extra" : {"a" :1.50}, "release":"app@1.2.3", "modules": {"a@b.co": "x"}}'
    members = json_members.split_members(text)
    assert members is not None
    assert try_scrub_members(members, kind=PayloadKind.EVENT) is members


def test_only_members_with_a_hint_are_written_anew():
    """Only the member with the secret is written anew; the others keep their bytes."""
    members = json_members.split_members(
        b'{"extra": {"note": "%b"}, "tags": {"a" : 1}}' % CARD.encode()
    )
    assert members is not None
    clean = try_scrub_members(members, kind=PayloadKind.EVENT)
    assert clean == {"extra": b'{"note":"[Filtered]"}', "tags": b'{"a" : 1}'}


@pytest.mark.parametrize(
    "text",
    [
        b'{"extra":{"note":"4111 1111 1111 1111"},"extra":{}}',
        b'{"extra":{"note":"4111 1111 1111 1111","note":"x"}}',
        b'{"extra":{"n\\u006fte":"4111 1111 1111 1111","note":"x"}}',
    ],
)
def test_a_repeated_name_hides_nothing(text: bytes):
    """A value that no reader sees is not stored, neither at the top nor inside."""
    members = json_members.split_members(text)
    assert members is not None
    clean = try_scrub_members(members, kind=PayloadKind.EVENT)
    assert clean is not None
    assert b"4111" not in json_members.join_members(clean)


def test_a_name_at_the_top_may_be_the_secret():
    """An unknown name is judged with its value; a name that must be removed is left to the walk."""
    assert scrub_quickly(b'{"password":"x1"}') == {"password": FILTERED}
    assert scrub_quickly(b'{"jo@example.org":"x1"}') is None
    assert scrub_quickly(b'{"name":"password","value":"x1"}') is None


def test_a_rule_that_fails_lets_nothing_through(monkeypatch: pytest.MonkeyPatch):
    """In a member, a rule that fails leaves nothing of the text; for a name, the walk is used."""

    def fail(*_args: object, **_more: object) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(TextScrubber, "scrub", fail)
    assert scrub_quickly(b'{"extra":{"note":"%b"}}' % CARD.encode()) == {
        "extra": {"note": "[scrub failed]"}
    }
    monkeypatch.setattr("app.scrub.sensitive_names.NameJudge.judge_name", fail)
    assert scrub_quickly(b'{"password":"x1"}') is None


@pytest.mark.parametrize("kind", list(PayloadKind))
def test_no_member_is_removed_for_its_name_alone(kind: PayloadKind):
    """At the top every place is structure, or one whose secrets a hint finds."""
    roles = {inner.role for inner in places.root_place(kind).fields.values()}
    assert roles <= {PlaceRole.DATA, PlaceRole.STRUCTURE, PlaceRole.CLOSED}


def test_texts_are_split_and_joined():
    """Each member keeps its form; of a repeated name the last one counts."""
    text = b' {"a" : [1, 2] ,"b\\n":"x","a":{"c":1e5}, "' + b"n" * 70 + b'":null} '
    members = json_members.split_members(text)
    assert members == {"a": b'{"c":1e5}', "b\n": b'"x"', "n" * 70: b"null"}
    assert jsonish.decode(json_members.join_members(members), "joined") == jsonish.decode(
        text, "text"
    )
    assert json_members.decode_members(members, ("a", "z")) == {"a": {"c": 1e5}}


@pytest.mark.parametrize(
    "text",
    [b"[]", b"{", b'{"a":NaN}', b'{"a":"\xff"}', b'{"a":{"\xff":1}}', b'{"a":"\\ud800"}', b"\xff",
     b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", b'{"a":"\x01"}'],
)  # fmt: skip
def test_an_object_that_needs_mending_is_not_split(text: bytes):
    """`jsonish.decode` reads it."""
    assert json_members.split_members(text) is None


def test_a_number_out_of_range_is_read_as_elsewhere():
    """A number out of range becomes null."""
    members = json_members.split_members(b'{"a":[1e999],"b":' + b"9" * 5_000 + b"}")
    assert members is not None
    assert json_members.decode_members(members, ("a", "b")) == {"a": [None], "b": None}


@SETTINGS
@given(text=st.binary(max_size=60) | objects.map(lambda value: json.dumps(value).encode()))
def test_a_split_object_can_be_decoded(text: bytes):
    """The members of a split object, and the members joined again, have the same value."""
    members = json_members.split_members(text)
    if members is not None:
        whole = jsonish.decode(text, "text")
        assert repr(json_members.decode_members(members, list(members))) == repr(whole)
        assert repr(jsonish.decode(json_members.join_members(members), "joined")) == repr(whole)
        msgspec.json.encode(whole)
