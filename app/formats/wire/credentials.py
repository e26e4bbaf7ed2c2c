"""Reads who is sending: the public key in a header, in the query, or in a DSN.

Source: docs/protocol.md, sections 1.1 and 1.3.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from app.core import ids
from app.core.errors import AuthenticationFailed
from app.core.ids import ProjectId, PublicKey
from app.core.log import shown

_PROTOCOL: Final = 7
_REMEMBERED: Final = 2_048
"""Senders whose words are not read anew: one app sends the same with every request."""
_USUAL_CHARS: Final = 500
_QUERY_FIELDS: Final = 100
_CLIENT_CHARS: Final = 200
_DSN_CHARS: Final = 2_000
_SCHEME: Final = re.compile(r"\s*sentry\s+", re.IGNORECASE)
_OTHER_SCHEME: Final = re.compile(r"\s*(?!sentry(\s|\Z))[\w-]+(\s|\Z)", re.IGNORECASE)
"""`Basic …`, `Bearer …`, `AWS4-HMAC-SHA256 …`: some proxy or browser added it, not for us."""
_VERSION: Final = re.compile(r"\s*(\d{1,3})(\.\d+)?\s*\Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sender says about itself; the key is 32 lower-case hex digits."""

    public_key: PublicKey
    client: str | None = None
    """`name/version` of the SDK."""
    version: int = _PROTOCOL


def read_credentials(*, auth_headers: Sequence[str], query: str) -> Credentials | None:
    """Read the credentials of a request.

    Args:
        auth_headers: Values of X-Sentry-Auth, then those of Authorization.
        query: The raw query string, without `?`.

    Returns:
        The first that names a key; None if the request names none at all (then the DSN in the
        envelope may).

    Raises:
        AuthenticationFailed: A key is there but cannot be read, two places name different keys, or
            the protocol version is one we do not speak.
    """
    words = (tuple(auth_headers), query)
    is_usual = len(query) + sum(map(len, auth_headers)) <= _USUAL_CHARS
    return _read_again(*words) if is_usual else _read(*words)


def _read(auth_headers: tuple[str, ...], query: str) -> Credentials | None:
    found = [
        _from_fields(_header_fields(header), header)
        for header in auth_headers
        if not _OTHER_SCHEME.match(header)
    ]
    fields = _query_fields(query)
    if "sentry_key" in fields:
        found.append(_from_fields(fields, query))
    if len({each.public_key for each in found}) > 1:
        raise AuthenticationFailed("the request names two different keys")
    return found[0] if found else None


_read_again: Final = lru_cache(maxsize=_REMEMBERED)(_read)


def parse_dsn(dsn: str) -> tuple[PublicKey, str] | None:
    """Read the public key and the project from a DSN; None if it has no such parts."""
    if len(dsn) > _DSN_CHARS:
        return None
    try:
        parts = urlsplit(dsn.strip())
    except ValueError:
        return None
    public_key = ids.read_hex32(parts.username)
    project = parts.path.rstrip("/").rpartition("/")[2]
    return (PublicKey(public_key), project) if public_key and project else None


def make_dsn(base_url: str, public_key: PublicKey, project_id: ProjectId) -> str:
    """Write the DSN that an app's developer pastes into an SDK.

    Args:
        base_url: The address of this server; it may hold a path, which becomes the prefix.
        public_key: 32 hex digits.
        project_id: The last segment of the path.
    """
    scheme, _, rest = base_url.rstrip("/").partition("://")
    return f"{scheme}://{public_key}@{rest}/{project_id}"


def _header_fields(header: str) -> dict[str, str]:
    """Read `Sentry k=v, k=v`; of a repeated name the first value."""
    fields: dict[str, str] = {}
    for pair in _SCHEME.sub("", header, count=1).split(","):
        name, equals, value = pair.partition("=")
        if equals:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _query_fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS)
    except ValueError:
        raise AuthenticationFailed(f"query has more than {_QUERY_FIELDS} fields") from None
    return dict(reversed(pairs))


def _from_fields(fields: dict[str, str], source: str) -> Credentials:
    public_key = ids.read_hex32(fields.get("sentry_key"))
    if public_key is None:
        raise AuthenticationFailed(f"no sentry_key of 32 hex digits in: {shown(source)}")
    version = _version(fields.get("sentry_version", ""))
    if version > _PROTOCOL:
        raise AuthenticationFailed(
            f"sentry_version is {version}, {_PROTOCOL} and below are spoken here"
        )
    client = fields.get("sentry_client", "")[:_CLIENT_CHARS]
    return Credentials(PublicKey(public_key), client or None, version)


def _version(text: str) -> int:
    found = _VERSION.match(text)
    return int(found[1]) if found else _PROTOCOL
