"""Which records name a person, and which only look like it."""

import json

import pytest
from hypothesis import given, strategies as st

from app.core.errors import InvalidInput
from app.erasure.people.names import NameKind, NameMatcher, PersonName, read_name
from app.formats.stored.packed_json import pack_json, pack_text

EMAIL = PersonName(NameKind.EMAIL, "ada@example.org")
SHORT = PersonName(NameKind.ID, "42")
NAME = PersonName(NameKind.NAME, "Ada Lovelace")
DEVICE = PersonName(NameKind.DEVICE, "6f1c2d3e-aaaa-bbbb")
PLAIN = PersonName(NameKind.USERNAME, "maria")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (EMAIL, {"message": "signed in as Ada@Example.org."}),
        (EMAIL, {"url": "https://x.org/?user=ada%40example.org&a=1"}),
        (EMAIL, {"body": '{"mail": "ada@example.org"}'}),
        (EMAIL, {"ada@example.org": 1}),
        (EMAIL, {"tags": [["mail", "ada@example.org"]]}),
        (SHORT, {"user": {"id": 42}}),
        (SHORT, {"user.id": "42"}),
        (SHORT, {"user.id": {"value": "42", "type": "string"}}),
        (SHORT, {"contexts": {"state": {"user_id": "42"}}}),
        (SHORT, {"request": {"data": '{"user": {"id": "42"}}'}}),
        (NAME, {"message": "Hello, ada lovelace!"}),
        (PLAIN, {"user": {"username": "Maria"}}),
        (DEVICE, {"contexts": {"device": {"id": "6f1c2d3e-aaaa-bbbb"}}}),
        (DEVICE, {"tags": {"install": "6f1c2d3e-aaaa-bbbb"}}),
    ],
)
def test_a_record_that_names_the_person_is_found(name, value):
    """A name counts in a field for it, and a telling one wherever it stands."""
    matcher = NameMatcher([name])
    assert matcher.stands_in_packed(pack_json(value))
    assert matcher.stands_in_packed(pack_text(json.dumps(value, ensure_ascii=True).encode()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (EMAIL, {"message": "nada@example.org"}),
        (EMAIL, {"message": "ada@example.organic"}),
        (EMAIL, {"message": "ada@example.org.uk"}),
        (SHORT, {"id": "42", "count": 42, "message": "42 items of user 4242"}),
        (SHORT, {"item": {"id": 42}}),
        (PLAIN, {"message": "maria was here", "tags": {"host": "maria"}}),
        (NAME, {"message": "Ada Lovelacet"}),
    ],
)
def test_a_record_that_only_looks_like_it_is_left(name, value):
    """A part of a longer name, or an everyday word, names nobody."""
    assert not NameMatcher([name]).stands_in_packed(pack_json(value))


def test_a_name_is_found_however_json_writes_it():
    """Escapes, other letters and other cases do not hide a name."""
    matcher = NameMatcher([PersonName(NameKind.NAME, "Zoë Müller")])
    assert matcher.stands_in_json(b'{"a": "zo\\u00eb M\\u00dcLLER"}')
    assert NameMatcher([EMAIL]).stands_in_json(b'{"a": "\\u0061da@example.org"}')
    assert NameMatcher([EMAIL]).stands_in_json(b"not json, but ada@example.org")


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_through(data):
    """Bytes that cannot be unpacked or decoded name nobody, and raise nothing."""
    matcher = NameMatcher([EMAIL, SHORT])
    assert matcher.stands_in_packed(data) in {True, False}
    assert matcher.stands_in_json(data) in {True, False}


def test_deep_json_is_looked_through_as_text():
    """Nesting beyond the limit of the decoder does not end the search."""
    assert NameMatcher([EMAIL]).stands_in_json(b"[" * 100_000 + b'"ada@example.org"')


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "nobody"), ("ip_address", "1.2.3"), ("device", "a1"), ("id", "  "),
        ("planet", "mars"), ("name", "x" * 300),
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(kind, value):
    """A form with such a value says what to correct."""
    with pytest.raises(InvalidInput):
        read_name(kind, value)


def test_names_are_read_as_records_have_them():
    """Blanks around a name go, and an address is written in its usual form."""
    assert read_name("email", " Ada@Example.org ").value == "Ada@Example.org"
    assert read_name("ip_address", "2001:0DB8::0001").value == "2001:db8::1"
    assert NameMatcher([EMAIL]).names_user({"email": "ADA@example.org"})
    assert not NameMatcher([EMAIL]).names_user({"email": "bo@example.org"})
