"""The stored form of secret tokens: it recognises a token and is useless to a thief."""

import hashlib


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of a token; its 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
