"""The secret of a token has the form that Sentry's clients read, and nothing else has."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies

from app.api_tokens.secret import has_token_form, hash_secret, make_secret, read_address
from app.core.errors import InvalidInput

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_secret_has_three_parts_and_names_the_address():
    """Clients divide a token at `_` and read address and organisation from its JSON."""
    secret = make_secret("https://replays.example.com", now=NOW)
    prefix, claims, random = secret.split("_")
    assert prefix == "sntrys"
    assert len(claims) % 4 == 0
    assert json.loads(base64.b64decode(claims, validate=True)) == {
        "iat": NOW.timestamp(),
        "url": "https://replays.example.com",
        "region_url": "https://replays.example.com",
        "org": "playhead",
    }
    assert len(base64.b64decode(random + "=", validate=True)) == 32
    assert has_token_form(secret)
    assert len({hash_secret(make_secret("https://a.example", now=NOW)) for _ in range(20)}) == 20


@given(strategies.text() | strategies.from_regex(r"sntry[su]_[\x00-\xff]{0,80}"))
def test_any_text_is_asked_for_its_form(text: str):
    """Whatever a header holds, the check of its form answers."""
    assert has_token_form(text) in (True, False)


def test_other_secrets_have_not_its_form():
    """Keys of DSNs, user tokens of Sentry and cut tokens are not looked up."""
    secret = make_secret("https://replays.example.com", now=NOW)
    for text in ("", "0" * 32, "sntryu_" + "0" * 64, secret[:-1], secret + "\n", secret + "="):
        assert not has_token_form(text), text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" https://replays.example.com/ ", "https://replays.example.com"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://example.com/replays/", "https://example.com/replays"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_read(text: str, address: str):
    """An http or https address is taken, without a slash at its end."""
    assert read_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "example.com", "ftp://example.com", "https://", "https://a:b@example.com",
        "https://example.com/?a=b", "https://example.com/#a", "https://example.com:x",
        "https://exa mple.com", "https://example.com/\n", "https://[::1", "https://é.example",
        "https://example.com/" + "a" * 400,
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_no_address(text: str):
    """A token with a wrong address cannot be corrected, so such an address is refused."""
    with pytest.raises(InvalidInput):
        read_address(text.strip("\n") + ("\x00" if text.endswith("\n") else ""))
