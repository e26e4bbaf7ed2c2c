"""Reads what a provider offers and the keys it signs with, and keeps both for an hour.

What was read stays in use while the provider does not answer. Keys are read anew when a token is
signed with one that is not known, at most once a minute: otherwise made-up tokens would make this
server ask without end.

Source: OpenID Connect Discovery 1.0, sections 3 and 4; RFC 7517, section 5.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.core import clock, log
from app.core.errors import ProviderUnavailable
from app.openid import answers

WELL_KNOWN: Final = "/.well-known/openid-configuration"
_KEPT_S: Final = 3600.0
_KEYS_AGAIN_S: Final = 60.0
_FAILED_S: Final = 5.0
"""The time for which a failure is taken for the answer, instead of asking again."""
_ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""The signatures that are accepted: by a key that only the provider has, never by a shared one."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The addresses of a provider, and what it can do."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    """The address that ends the session at the provider, if it has one."""
    algorithms: tuple[str, ...]
    """The signatures of ID tokens that both sides accept."""
    auth_methods: tuple[str, ...]
    """The ways in which a client may show its secret."""


class ProviderDirectory:
    """The metadata and the keys of one provider; use it from one event loop."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._lock = asyncio.Lock()
        self._metadata: ProviderMetadata | None = None
        self._metadata_at_s = 0.0
        self._failure: ProviderUnavailable | None = None
        self._failed_at_s = 0.0
        self._keys: KeySet | None = None
        self._keys_at_s = 0.0

    async def read_metadata(self, client: AsyncOAuth2Client) -> ProviderMetadata:
        """Return what the provider offers.

        Raises:
            ProviderUnavailable: It does not answer, or not with what an OpenID provider says.
        """
        async with self._lock:
            if self._metadata is not None and not _is_older(self._metadata_at_s, _KEPT_S):
                return self._metadata
            # Those who wait for the lock would otherwise wait for one time-out each.
            if self._failure is not None and not _is_older(self._failed_at_s, _FAILED_S):
                return self._kept_metadata(self._failure)
            try:
                self._metadata = await _fetch_metadata(client, self._issuer)
            except ProviderUnavailable as error:
                self._failure, self._failed_at_s = error, clock.monotonic_s()
                return self._kept_metadata(error)
            self._metadata_at_s, self._failure = clock.monotonic_s(), None
            return self._metadata

    def _kept_metadata(self, failure: ProviderUnavailable) -> ProviderMetadata:
        """Return what was read before, however old; without that, raise the failure."""
        if self._metadata is None:
            raise ProviderUnavailable(str(failure))
        return self._metadata

    async def read_keys(self, client: AsyncOAuth2Client, *, is_key_unknown: bool = False) -> KeySet:
        """Return the keys that the provider signs with.

        Args:
            client: The client to ask with.
            is_key_unknown: True if a token names a key that the kept keys lack.

        Raises:
            ProviderUnavailable: The provider does not answer, or has no keys that can be read.
        """
        metadata = await self.read_metadata(client)
        async with self._lock:
            kept_s = _KEYS_AGAIN_S if is_key_unknown else _KEPT_S
            if self._keys is None or _is_older(self._keys_at_s, kept_s):
                try:
                    self._keys = await _fetch_keys(client, metadata.jwks_uri)
                except ProviderUnavailable:
                    if self._keys is None:
                        raise
                self._keys_at_s = clock.monotonic_s()
            return self._keys


def is_safe_address(address: str) -> bool:
    """Tell whether an address is https, or http on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _is_older(at_s: float, limit_s: float) -> bool:
    return clock.monotonic_s() - at_s > limit_s


async def _fetch_metadata(client: AsyncOAuth2Client, issuer: str) -> ProviderMetadata:
    document = await _fetch_json(client, issuer.rstrip("/") + WELL_KNOWN)
    said_issuer = document.get("issuer")
    if said_issuer != issuer:
        raise ProviderUnavailable(
            f"the provider calls itself {log.shown(said_issuer)}; PLAYHEAD_OIDC_ISSUER must say "
            f"the same, to the last slash, and says {log.shown(issuer)}"
        )
    offered = _read_texts(document, "id_token_signing_alg_values_supported") or ("RS256",)
    algorithms = tuple(name for name in _ALGORITHMS if name in offered)
    if not algorithms:
        raise ProviderUnavailable(
            f"the provider signs with {log.shown(', '.join(offered))} only, which is not accepted"
        )
    return ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=_require_address(document, "authorization_endpoint"),
        token_endpoint=_require_address(document, "token_endpoint"),
        jwks_uri=_require_address(document, "jwks_uri"),
        userinfo_endpoint=_find_address(document, "userinfo_endpoint"),
        end_session_endpoint=_find_address(document, "end_session_endpoint"),
        algorithms=algorithms,
        auth_methods=_read_texts(document, "token_endpoint_auth_methods_supported"),
    )


async def _fetch_keys(client: AsyncOAuth2Client, address: str) -> KeySet:
    document = await _fetch_json(client, address)
    try:
        return KeySet.import_key_set({"keys": document["keys"]})
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise ProviderUnavailable(f"the keys of the provider cannot be read: {error}") from error


async def _fetch_json(client: AsyncOAuth2Client, address: str) -> Mapping[str, Any]:
    with answers.translating_errors():
        async with client.stream("GET", address, withhold_token=True) as response:
            return await answers.read_json(response)


def _require_address(document: Mapping[str, Any], name: str) -> str:
    address = _find_address(document, name)
    if address is None:
        raise ProviderUnavailable(f"the provider names no usable {name}")
    return address


def _find_address(document: Mapping[str, Any], name: str) -> str | None:
    address = document.get(name)
    return address if isinstance(address, str) and is_safe_address(address) else None


def _read_texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = document.get(name)
    return (
        tuple(value for value in values if isinstance(value, str))
        if isinstance(values, list)
        else ()
    )
