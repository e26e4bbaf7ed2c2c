"""Objects given as the texts of their members: the outcome is that of the whole walk."""

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


def scrubbed(
    text: bytes, rules: ScrubRules = DEFAULT_RULES, kind: PayloadKind = PayloadKind.EVENT
) -> Any:
    """Scrub by members; None where it has to be done as a whole."""
    members = json_members.split_members(text)
    clean = try_scrub_members(members, rules, kind=kind) if members is not None else None
    return None if clean is None else jsonish.decode(json_members.join_members(clean), "clean")


@SETTINGS
@given(
    value=objects,
    rules=rule_sets,
    kind=st.sampled_from([kind for kind in PayloadKind if kind is not PayloadKind.RECORDING]),
    is_ascii=st.booleans(),
    between=separators,
)
def test_by_members_is_as_a_whole(
    value: Any, rules: ScrubRules, kind: PayloadKind, is_ascii: bool, between: tuple[str, str]
):
    """Whatever an SDK writes, and however it writes it."""
    try:
        text = written(value, is_ascii=is_ascii, between=between)
    except ValueError:
        return  # NaN is no JSON
    found = scrubbed(text, rules, kind)
    if found is not None:
        whole = walk.scrub_json(jsonish.decode(text, "text"), rules, kind=kind).value
        assert repr(found) == repr(whole)
        assert list(found) == list(whole)


@settings(SETTINGS, deadline=None)
@given(path=st.lists(st.integers(0, 9), min_size=1, max_size=5), secret=pieces, data=st.data())
def test_a_secret_anywhere_in_a_real_event_goes(path: list[int], secret: str, data: st.DataObject):
    """Put under any name of a crash as the Java SDK sends it, it goes as it goes from the whole."""
    value = copy.deepcopy(event())
    place: Any = value
    for step in path:
        inner = list(place.values()) if isinstance(place, dict) else place
        found = [one for one in inner if isinstance(one, dict | list)]
        if not found:
            break
        place = found[step % len(found)]
    if isinstance(place, dict):
        place[data.draw(st.sampled_from([*NAMES, *place]))] = secret
    else:
        place.append(secret)
    text = written(value)
    found = scrubbed(text)
    assert found is None or repr(found) == repr(
        walk.scrub_json(jsonish.decode(text, "text"), kind=PayloadKind.EVENT).value
    )


@pytest.mark.parametrize("family", samples.families())
def test_by_members_is_as_a_whole_for_every_sdk(family: str):
    """Every recorded error and transaction, and nearly all of them can be done by members."""
    kinds = {"event": PayloadKind.EVENT, "transaction": PayloadKind.TRANSACTION}
    for request in contents.requests(family):
        for item in contents.envelope_of(request).items:
            if item.type in kinds:
                text = bytes(item.payload)
                found = scrubbed(text, kind=kinds[item.type])
                value = jsonish.decode(text, "text")
                whole = walk.scrub_json(value, kind=kinds[item.type]).value
                assert found is None or repr(found) == repr(whole)


def test_what_is_clean_stays_as_it_came():
    """Not a byte of it is written anew."""
    text = b'{"extra" : {"a" :1.50}, "release":"app@1.2.3", "modules": {"a@b.co": "x"}}'
    members = json_members.split_members(text)
    assert members is not None
    assert try_scrub_members(members, kind=PayloadKind.EVENT) is members


def test_only_what_holds_a_hint_is_written_anew():
    """The member with the secret; the others keep their own form."""
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
def test_a_name_that_stands_twice_hides_nothing(text: bytes):
    """Neither at the top nor inside: what no reader sees is not stored."""
    members = json_members.split_members(text)
    assert members is not None
    clean = try_scrub_members(members, kind=PayloadKind.EVENT)
    assert clean is not None
    assert b"4111" not in json_members.join_members(clean)


def test_a_name_at_the_top_may_be_the_secret():
    """One that is not known is judged with its value; one that goes itself is left to the whole."""
    assert scrubbed(b'{"password":"x1"}') == {"password": FILTERED}
    assert scrubbed(b'{"jo@example.org":"x1"}') is None
    assert scrubbed(b'{"name":"password","value":"x1"}') is None


def test_a_rule_that_fails_passes_nothing(monkeypatch: pytest.MonkeyPatch):
    """If it fails inside a member, the text goes; if it fails for the names, the whole is asked."""

    def fail(*_args: object, **_more: object) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(TextScrubber, "scrub", fail)
    assert scrubbed(b'{"extra":{"note":"%b"}}' % CARD.encode()) == {
        "extra": {"note": "[scrub failed]"}
    }
    monkeypatch.setattr("app.scrub.sensitive_names.NameJudge.verdict", fail)
    assert scrubbed(b'{"password":"x1"}') is None


@pytest.mark.parametrize("kind", list(PayloadKind))
def test_no_member_goes_by_its_name_alone(kind: PayloadKind):
    """At the top every place is one that a hint tells of, or structure."""
    roles = {inner.role for inner in places.root_place(kind).fields.values()}
    assert roles <= {PlaceRole.DATA, PlaceRole.STRUCTURE, PlaceRole.CLOSED}


def test_texts_are_split_and_joined():
    """Each member as it was written; of a repeated name the last one."""
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
def test_what_must_be_mended_is_not_split(text: bytes):
    """`jsonish.decode` sees it."""
    assert json_members.split_members(text) is None


def test_a_number_out_of_range_is_read_as_elsewhere():
    """It becomes null."""
    members = json_members.split_members(b'{"a":[1e999],"b":' + b"9" * 5_000 + b"}")
    assert members is not None
    assert json_members.decode_members(members, ("a", "b")) == {"a": [None], "b": None}


@SETTINGS
@given(text=st.binary(max_size=60) | objects.map(lambda value: json.dumps(value).encode()))
def test_what_is_split_can_be_decoded(text: bytes):
    """And says the same, member by member and joined."""
    members = json_members.split_members(text)
    if members is not None:
        whole = jsonish.decode(text, "text")
        assert repr(json_members.decode_members(members, list(members))) == repr(whole)
        assert repr(jsonish.decode(json_members.join_members(members), "joined")) == repr(whole)
        msgspec.json.encode(whole)
