"""Tests of the reading of keys from headers, queries and DSNs."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import AuthenticationFailed
from app.core.ids import ProjectId, PublicKey
from app.formats.wire import credentials
from app.formats.wire.credentials import Credentials
from tests.support import examples
from tests.support.builders import envelopes
from tests.support.builders.wire import KEY

OTHER_KEY = "0" * 31 + "1"


def _read(*headers: str, query: str = "") -> Credentials | None:
    return credentials.read_credentials(auth_headers=headers, query=query)


@pytest.mark.parametrize(
    ("header", "client", "version"),
    [
        (f"Sentry sentry_version=7,sentry_client=a/1,sentry_key={KEY}", "a/1", 7),
        (f"sentry sentry_version=6, sentry_key={KEY} , sentry_client=raven", "raven", 6),
        (f"  SENTRY   sentry_key={KEY.upper()},sentry_secret=s,sentry_timestamp=1", None, 7),
        (f"Sentry sentry_version=2.0,sentry_key={KEY},,x", None, 2),
        (f"Sentry sentry_version=new,sentry_key={KEY},sentry_key={OTHER_KEY}", None, 7),
        (f"sentry_key={KEY}", None, 7),
    ],
)
def test_headers_of_every_sdk_are_read(header, client, version):
    """Blanks, capitals, secrets and missing versions make no difference."""
    assert _read(header) == Credentials(PublicKey(KEY), client, version)


def test_browsers_put_the_key_into_the_query():
    """Escapes are decoded, and the first of repeated fields counts."""
    wanted = Credentials(PublicKey(KEY), "sentry.javascript.browser/10.3.0", 7)
    assert _read(query=envelopes.auth_query()) == wanted
    assert _read(query=f"sentry_key={KEY}&sentry_key=x") == Credentials(PublicKey(KEY))


def test_a_request_without_any_key_has_no_credentials():
    """Other query fields are ignored, and so is an Authorization header that a proxy added."""
    assert _read() is None
    assert _read("Basic YTpi", "bearer abc", query="a=b&sentry_version=7") is None
    others = ("AWS4-HMAC-SHA256 Credential=a, Signature=b", "NTLM", "Token x", "garbage")
    assert _read(*others) is None
    wanted = Credentials(PublicKey(KEY))
    assert _read(f"Sentry sentry_key={KEY}", *others) == wanted


@pytest.mark.parametrize(
    "header",
    [
        *("", "Sentry", "Sentry ,,,===;", "Sentry sentry_key=", "Sentry sentry_key=abc"),
        *(f"Sentry sentry_key=\0{KEY}", f"Sentry sentry_key={'0' * 32}"),
        "Sentry sentry_version=7",
    ],
)
def test_unreadable_headers_are_unauthorised(header):
    """The sender meant to name a key, since it sent the header."""
    with pytest.raises(AuthenticationFailed, match="no sentry_key of 32 hex digits"):
        _read(header)


@pytest.mark.parametrize(
    "query", ["sentry_key=", "sentry_key", "sentry_key=%00" + KEY, "sentry_key=%ff"]
)
def test_unreadable_keys_in_the_query_are_unauthorised(query):
    """A key may be empty, contain a NUL, or be no text."""
    with pytest.raises(AuthenticationFailed):
        _read(query=query)


def test_a_query_of_many_fields_is_unauthorised():
    """A hundred fields are read, one more is not."""
    fields = "&".join(f"a{n}=1" for n in range(99))
    assert _read(query=f"{fields}&sentry_key={KEY}") is not None
    with pytest.raises(AuthenticationFailed, match="more than 100 fields"):
        _read(query=f"{fields}&b=1&sentry_key={KEY}")


def test_several_places_may_name_one_key_but_not_two():
    """If they agree, the first place wins."""
    header = envelopes.auth_header()
    assert _read(header, header, query=envelopes.auth_query()) == _read(header)
    with pytest.raises(AuthenticationFailed, match="two different keys"):
        _read(header, query=envelopes.auth_query(OTHER_KEY))
    with pytest.raises(AuthenticationFailed, match="two different keys"):
        _read(header, envelopes.auth_header(OTHER_KEY))


def test_a_newer_protocol_is_unauthorised():
    """Version 7 is supported, version 8 is not."""
    with pytest.raises(AuthenticationFailed, match="sentry_version is 8"):
        _read(f"Sentry sentry_version=8,sentry_key={KEY}")


@pytest.mark.parametrize(
    ("dsn", "project"),
    [
        (f"http://{KEY}@ingest.example.net:8000/42", "42"),
        (f" https://{KEY}:secret@ingest.example.net/sentry/42/?a=b#c ", "42"),
        (f"https://{KEY.upper()}@[::1]:9000//7", "7"),
        (f"https://{KEY}@host/shop", "shop"),
    ],
)
def test_dsns_give_key_and_project(dsn, project):
    """Secrets, prefixes, queries and IPv6 hosts are skipped."""
    assert credentials.parse_dsn(dsn) == (KEY, project)


@pytest.mark.parametrize(
    "dsn",
    [
        *("", "http://host/1", f"http://{KEY}@host", f"http://{KEY}@host/", "http://short@host/1"),
        *("http://[x/1", f"http://{KEY}@host/{'1' * 2_000}", "\0"),
    ],
)
def test_other_texts_are_no_dsn(dsn):
    """A text without key, without project, that is no URL, or is too long is no DSN."""
    assert credentials.parse_dsn(dsn) is None


@pytest.mark.parametrize(
    ("base_url", "dsn"),
    [
        ("http://localhost:8000", f"http://{KEY}@localhost:8000/42"),
        ("https://example.net/sentry/", f"https://{KEY}@example.net/sentry/42"),
        ("https://[::1]:9000", f"https://{KEY}@[::1]:9000/42"),
    ],
)
def test_a_dsn_that_was_made_can_be_read(base_url, dsn):
    """Port, prefix and IPv6 hosts do no harm."""
    assert credentials.make_dsn(base_url, PublicKey(KEY), ProjectId(42)) == dsn
    assert credentials.parse_dsn(dsn) == (KEY, "42")


@examples.SETTINGS
@given(
    st.lists(st.text(max_size=80) | st.text("Sentry_key=,07af \0", max_size=60), max_size=3),
    st.text(max_size=80) | st.text("sentry_key=&%0af", max_size=60),
)
def test_any_text_is_read_or_unauthorised(headers, query):
    """No other error is raised, and every key that is read is valid."""
    try:
        result = credentials.read_credentials(auth_headers=headers, query=query)
    except AuthenticationFailed:
        return
    assert result is None or len(result.public_key) == 32


@examples.SETTINGS
@given(st.text(max_size=100) | st.text(f"http://@[]:?#{KEY[:4]}", max_size=80))
def test_any_text_is_a_dsn_or_none(dsn):
    """No error is raised."""
    credentials.parse_dsn(dsn)
