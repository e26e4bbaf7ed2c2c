"""What is kept of a secret token: enough to know it again, useless to a thief."""

import hashlib


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of a token; 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
