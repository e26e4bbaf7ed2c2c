"""The tokens in the addresses of shares: 256 random bits, of which only a hash is stored."""

import hashlib
import re
from typing import Final

from app.core import ids

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def new_share_token() -> str:
    """Make a token: 43 characters that need no escaping in an address."""
    return ids.new_token()


def has_share_form(text: str) -> bool:
    """Tell whether a text can be a token at all, so that others cost no look-up."""
    return _FORM.match(text) is not None


def hash_share_token(token: str) -> bytes:
    """Return the SHA-256 of a token; its 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def hash_visitor(share_id: int, address: str) -> bytes:
    """Return a hash that recognises a visitor of one share, but not across shares."""
    return hashlib.sha256(f"{share_id} {address}".encode("utf-8", "surrogatepass")).digest()
