"""The secret of an API token, in the form of Sentry's organisation tokens.

    sntrys_<base64 of JSON>_<base64 of 32 random bytes, without padding>

Sentry's clients read the address of the server and the organisation from the JSON, so that a build
server needs the token and the name of a project, and nothing else.

Source: `AuthToken` in sentry-cli; tried with 2.31, 2.58 and 3.8.
"""

import base64
import hashlib
import re
import secrets
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from app.core.errors import InvalidInput

ORGANISATION: Final = "playhead"
"""The name of the one organisation. Playhead has none, and takes any name in an address."""

_SECRET_BYTES: Final = 32
_FORM: Final = re.compile(r"sntrys_[A-Za-z0-9+/]{16,1400}={0,2}_[A-Za-z0-9+/]{43}\Z")
_LONGEST_ADDRESS: Final = 400


def make_secret(url: str, *, now: datetime) -> str:
    """Make the secret of a new token.

    Args:
        url: Address at which its user reaches this server; it cannot be changed later.
        now: Time of making.
    """
    claims = {"iat": now.timestamp(), "url": url, "region_url": url, "org": ORGANISATION}
    random = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode().rstrip("=")
    return f"sntrys_{base64.b64encode(msgspec.json.encode(claims)).decode()}_{random}"


def read_address(text: str) -> str:
    """Read the address that a token names; returns it without a slash at its end.

    Raises:
        InvalidInput: It is not an http or https address, or has a query or a password.
    """
    address = text.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    is_plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    has_more = parts.query or parts.fragment or not address.isascii() or not address.isprintable()
    if not is_plain or has_more or " " in address or len(address) > _LONGEST_ADDRESS:
        raise InvalidInput("the address must look like https://replays.example.com")
    return address


def has_token_form(text: str) -> bool:
    """Tell whether a text can be a token at all, so that others cost no look-up."""
    return _FORM.match(text) is not None


def hash_secret(secret: str) -> bytes:
    """Return the SHA-256 of a token; its 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).digest()
