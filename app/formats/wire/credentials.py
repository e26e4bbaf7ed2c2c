"""Reads who sends a request: the public key in a header, in the query, or in a DSN.

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
_CACHED_CREDENTIALS: Final = 2_048
"""One app sends the same credentials with every request, so their reading is cached."""
_LONGEST_CACHED_CHARS: Final = 500
_QUERY_FIELDS: Final = 100
_CLIENT_CHARS: Final = 200
_DSN_CHARS: Final = 2_000
_SCHEME: Final = re.compile(r"\s*sentry\s+", re.IGNORECASE)
_OTHER_SCHEME: Final = re.compile(r"\s*(?!sentry(\s|\Z))[\w-]+(\s|\Z)", re.IGNORECASE)
"""`Basic …`, `Bearer …`, `AWS4-HMAC-SHA256 …`, which a proxy or a browser may have added."""
_VERSION: Final = re.compile(r"\s*(\d{1,3})(\.\d+)?\s*\Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of a sender; the key is 32 lower-case hex digits."""

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
        The first credentials with a key; None if the request has no key, which may then stand in
        the DSN of the envelope.

    Raises:
        AuthenticationFailed: A key is there but cannot be read, two places name different keys, or
            the protocol version is newer than 7.
    """
    headers = tuple(auth_headers)
    is_short = len(query) + sum(map(len, headers)) <= _LONGEST_CACHED_CHARS
    return _read_cached(headers, query) if is_short else _read_sources(headers, query)


def _read_sources(auth_headers: tuple[str, ...], query: str) -> Credentials | None:
    credentials = [
        _from_fields(_read_header_fields(header), header)
        for header in auth_headers
        if not _OTHER_SCHEME.match(header)
    ]
    fields = _read_query_fields(query)
    if "sentry_key" in fields:
        credentials.append(_from_fields(fields, query))
    if len({each.public_key for each in credentials}) > 1:
        raise AuthenticationFailed("the request names two different keys")
    return credentials[0] if credentials else None


_read_cached: Final = lru_cache(maxsize=_CACHED_CREDENTIALS)(_read_sources)


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
        base_url: Address of this server; it may have a path, which becomes the prefix.
        public_key: Public key of 32 hex digits.
        project_id: Project, which becomes the last segment of the path.
    """
    scheme, _, host_and_path = base_url.rstrip("/").partition("://")
    return f"{scheme}://{public_key}@{host_and_path}/{project_id}"


def _read_header_fields(header: str) -> dict[str, str]:
    """Read `Sentry k=v, k=v`; of a repeated name the first value counts."""
    fields: dict[str, str] = {}
    for pair in _SCHEME.sub("", header, count=1).split(","):
        name, equals, value = pair.partition("=")
        if equals:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _read_query_fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS)
    except ValueError:
        raise AuthenticationFailed(f"query has more than {_QUERY_FIELDS} fields") from None
    return dict(reversed(pairs))


def _from_fields(fields: dict[str, str], source: str) -> Credentials:
    public_key = ids.read_hex32(fields.get("sentry_key"))
    if public_key is None:
        raise AuthenticationFailed(f"no sentry_key of 32 hex digits in: {shown(source)}")
    version = _read_version(fields.get("sentry_version", ""))
    if version > _PROTOCOL:
        raise AuthenticationFailed(
            f"sentry_version is {version}, {_PROTOCOL} and below are supported"
        )
    client = fields.get("sentry_client", "")[:_CLIENT_CHARS]
    return Credentials(PublicKey(public_key), client or None, version)


def _read_version(text: str) -> int:
    version = _VERSION.match(text)
    return int(version[1]) if version else _PROTOCOL
