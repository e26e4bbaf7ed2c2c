"""Seals the tokens of a sign-in with a key that only the browser has, in its cookie.

So a stolen copy of the database gives nobody a token of the provider: neither the cookie nor the
key is in it. A sign-in is checked when its browser asks for something, which is when the key is
there.
"""

import json
import os
from dataclasses import asdict
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.openid.model import ProviderTokens

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_PURPOSE: Final = b"playhead: tokens of a sign-in provider"


def seal_tokens(tokens: ProviderTokens, sign_in_token: str) -> bytes:
    """Encrypt tokens with a key made of the token in the cookie."""
    values = asdict(tokens)
    expires_at = tokens.access_expires_at
    values["access_expires_at"] = None if expires_at is None else expires_at.isoformat()
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _make_cipher(sign_in_token).encrypt(nonce, json.dumps(values).encode(), None)


def open_tokens(sealed: bytes, sign_in_token: str) -> ProviderTokens | None:
    """Return sealed tokens; None if they were sealed with another token, or changed since."""
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        values = json.loads(_make_cipher(sign_in_token).decrypt(nonce, ciphertext, None))
    except (InvalidTag, ValueError):
        return None
    expires_at = values["access_expires_at"]
    values["access_expires_at"] = expires_at and datetime.fromisoformat(expires_at)
    return ProviderTokens(**values)


def _make_cipher(sign_in_token: str) -> AESGCM:
    derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE)
    return AESGCM(derivation.derive(sign_in_token.encode("utf-8", "surrogatepass")))
