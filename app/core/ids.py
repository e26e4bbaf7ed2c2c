"""Typed identifiers, and the one way to read them from untrusted text."""

import re
import secrets
from typing import Final, NewType

ProjectId = NewType("ProjectId", int)
PersonId = NewType("PersonId", int)
ReplayId = NewType("ReplayId", str)
EventId = NewType("EventId", str)
IssueId = NewType("IssueId", str)
TraceId = NewType("TraceId", str)
SpanId = NewType("SpanId", str)
PublicKey = NewType("PublicKey", str)

_HEX_32: Final = re.compile(r"[0-9a-f]{32}\Z")
_HEX_16: Final = re.compile(r"[0-9a-f]{16}\Z")
_NIL: Final = "0" * 32
_LONGEST_CHARS: Final = 64
"""Longest text that is read as an id, blanks and dashes included."""


def read_hex32(value: object) -> str | None:
    """Read a 128-bit id: 32 hex digits in either case, with or without dashes.

    Returns:
        32 lower-case hex digits; None for anything else, and for the all-zero id, which SDKs
        use for "none".
    """
    if not isinstance(value, str) or len(value) > _LONGEST_CHARS:
        return None
    if not _HEX_32.match(value):
        value = value.strip().replace("-", "").lower()
        if not _HEX_32.match(value):
            return None
    return value if value != _NIL else None


def read_hex16(value: object) -> str | None:
    """Read a 64-bit span id: 16 hex digits in either case; None for anything else."""
    if not isinstance(value, str) or len(value) > _LONGEST_CHARS:
        return None
    text = value.strip().lower()
    return text if _HEX_16.match(text) and text.strip("0") else None


def new_public_key() -> PublicKey:
    """Make the public key of a DSN: 32 lower-case hex digits, as Relay demands."""
    return PublicKey(secrets.token_hex(16))


def new_replay_id() -> ReplayId:
    """Make the id of a replay that this server records itself."""
    return ReplayId(secrets.token_hex(16))


def new_token() -> str:
    """Make a secret of 256 random bits for links and sign-ins, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)
