"""An OpenID Connect provider: people sign in there, and this server learns who they are.

    begin_sign_in ─► browser ─► provider ─► browser ─► finish_sign_in(code)
        code ─► tokens ─► ID token ─► profile, with userinfo if claims are missing
    check_sign_in ─► refresh token, or the access token at userinfo ─► profile

Source: OpenID Connect Core 1.0, sections 3.1, 5.3 and 12; RFC 7636 (PKCE); RFC 6749, section 6;
OpenID Connect RP-Initiated Logout 1.0.
"""

from collections.abc import Mapping
from datetime import timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, NoReturn
from urllib.parse import urlencode

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from app.core import clock, ids, log
from app.core.errors import ProviderUnavailable, SignInFailed, TokenRefused
from app.openid import answers
from app.openid.discovery import ProviderDirectory, ProviderMetadata
from app.openid.id_token import UnknownKey, verify_id_token
from app.openid.model import (
    PendingSignIn,
    ProviderConfiguration,
    ProviderProfile,
    ProviderSignIn,
    ProviderTokens,
)
from app.openid.profile import lacks_claims, read_profile

_LONGEST_TOKEN_CHARS: Final = 100_000
_OUR_FAULTS: Final = ("invalid_client", "unauthorized_client", "unsupported_grant_type")
_logger: Final = log.get_logger("openid.provider")


class OpenIdProvider:
    """One provider, with the connections to it; use it from one event loop."""

    def __init__(self, configuration: ProviderConfiguration, *, needs_groups: bool = False) -> None:
        """Make a provider; nothing is asked yet.

        Args:
            configuration: The provider, and how this server is registered there.
            needs_groups: True if groups decide about rights, so that they must be known.
        """
        self.configuration: Final = configuration
        self._needs_groups = needs_groups
        self._directory = ProviderDirectory(configuration.issuer)
        self._client = AsyncOAuth2Client(
            client_id=configuration.client_id,
            client_secret=configuration.client_secret,
            redirect_uri=configuration.redirect_uri,
            scope=configuration.scopes,
            code_challenge_method="S256",
            timeout=answers.TIMEOUT,
            follow_redirects=False,
        )
        # Cookies of the provider would travel from the sign-in of one person to that of another.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._client.aclose()

    async def read_metadata(self) -> ProviderMetadata:
        """Return what the provider offers.

        Raises:
            ProviderUnavailable: It does not answer, or not with what an OpenID provider says.
        """
        return await self._directory.read_metadata(self._client)

    async def count_keys(self) -> int:
        """Return the number of keys that the provider signs with.

        Raises:
            ProviderUnavailable: It does not answer, or has no keys that can be read.
        """
        return len((await self._directory.read_keys(self._client)).keys)

    async def begin_sign_in(self) -> tuple[str, PendingSignIn]:
        """Return the address at the provider to go to, and what must come back from there.

        Raises:
            ProviderUnavailable: The provider does not answer.
        """
        metadata = await self.read_metadata()
        pending = PendingSignIn(ids.new_token(), ids.new_token(), ids.new_token())
        address, _ = self._client.create_authorization_url(
            metadata.authorization_endpoint,
            state=pending.state,
            nonce=pending.nonce,
            code_verifier=pending.verifier,
        )
        return str(address), pending

    async def finish_sign_in(self, pending: PendingSignIn, code: str) -> ProviderSignIn:
        """Exchange the code of a sign-in for who has signed in.

        Raises:
            ProviderUnavailable: The provider does not answer, or does not accept this client.
            SignInFailed: The code or the ID token is not to be believed; the message says why.
        """
        metadata = await self.read_metadata()
        answer = await self._ask_for_tokens(
            metadata, grant_type="authorization_code", code=code, code_verifier=pending.verifier
        )
        tokens = _read_tokens(answer)
        if tokens.id_token is None:
            raise SignInFailed(
                "the sign-in provider sent no ID token; PLAYHEAD_OIDC_SCOPES must name openid"
            )
        claims = await self._verify(metadata, tokens, nonce=pending.nonce)
        return ProviderSignIn(await self._complete(metadata, claims, tokens), tokens)

    async def check_sign_in(self, tokens: ProviderTokens, subject: str) -> ProviderSignIn | None:
        """Ask the provider again about somebody who has signed in.

        Returns:
            The person as the provider describes them now, and the tokens for the next time; None
            if the provider can be asked no more with these tokens, and says nothing against them.

        Raises:
            TokenRefused: The provider no longer accepts the tokens, so the sign-in is over.
            ProviderUnavailable: The provider does not answer, or does not accept this client.
            SignInFailed: It answers with what is not to be believed.
        """
        metadata = await self.read_metadata()
        if tokens.refresh_token is not None:
            return await self._refresh(metadata, tokens, subject)
        expires_at = tokens.access_expires_at
        if metadata.userinfo_endpoint is None or expires_at is None or expires_at <= clock.now():
            return None
        userinfo = await self._read_userinfo(metadata.userinfo_endpoint, tokens.access_token)
        profile = read_profile(self.configuration, {"sub": subject}, userinfo)
        if self._needs_groups and profile.groups is None:
            return None
        return ProviderSignIn(profile, tokens)

    async def find_sign_out_address(self, id_token: str | None) -> str | None:
        """Return the address at which somebody signs out of the provider, if it has one."""
        try:
            metadata = await self.read_metadata()
        except ProviderUnavailable:
            return None
        if metadata.end_session_endpoint is None:
            return None
        parameters = {
            "client_id": self.configuration.client_id,
            "post_logout_redirect_uri": self.configuration.signed_out_uri,
            **({"id_token_hint": id_token} if id_token else {}),
        }
        mark = "&" if "?" in metadata.end_session_endpoint else "?"
        return f"{metadata.end_session_endpoint}{mark}{urlencode(parameters)}"

    async def accepts_redirect(self) -> bool:
        """Tell whether the provider takes a sign-in that leads back to this server.

        Raises:
            ProviderUnavailable: It does not answer.
        """
        address, _ = await self.begin_sign_in()
        with answers.translating_errors():
            async with self._client.stream("GET", address, withhold_token=True) as response:
                return bool(response.status_code < httpx2.codes.BAD_REQUEST)

    async def _refresh(
        self, metadata: ProviderMetadata, tokens: ProviderTokens, subject: str
    ) -> ProviderSignIn | None:
        answer = await self._ask_for_tokens(
            metadata, grant_type="refresh_token", refresh_token=tokens.refresh_token
        )
        fresh = _read_tokens(answer, before=tokens)
        claims: Mapping[str, Any] = {"sub": subject}
        if answer.get("id_token"):
            claims = await self._verify(metadata, fresh, nonce=None)
            if claims.get("sub") != subject:
                raise SignInFailed("the sign-in provider's new token is about somebody else")
        profile = await self._complete(metadata, claims, fresh)
        if self._needs_groups and profile.groups is None:
            return None
        return ProviderSignIn(profile, fresh)

    async def _ask_for_tokens(self, metadata: ProviderMetadata, **grant: Any) -> Mapping[str, Any]:
        method = _choose_auth_method(metadata, has_secret=bool(self.configuration.client_secret))
        try:
            with answers.translating_errors():
                answer = await self._client.fetch_token(
                    metadata.token_endpoint, auth=self._client.client_auth(method), **grant
                )
        except OAuthError as error:
            self._raise_refusal(error)
        except ValueError as error:
            raise ProviderUnavailable(
                "the sign-in provider did not answer with JSON to the request for tokens"
            ) from error
        return dict(answer)

    def _raise_refusal(self, error: OAuthError) -> NoReturn:
        """Say why the provider gave no tokens.

        Raises:
            ProviderUnavailable: It does not accept this server.
            TokenRefused: It does not accept the code or the refresh token.
        """
        reason = f"{log.shown(error.error)}: {log.shown(error.description or 'no reason given')}"
        _logger.warning("provider_gave_no_tokens", reason=reason)
        if error.error in _OUR_FAULTS:
            raise ProviderUnavailable(
                f"the sign-in provider does not accept this server ({reason}); check "
                "PLAYHEAD_OIDC_CLIENT_ID and PLAYHEAD_OIDC_CLIENT_SECRET"
            ) from error
        raise TokenRefused(
            f"the sign-in provider refused this sign-in ({reason}). If it speaks of a redirect "
            f"URI, {self.configuration.redirect_uri} must be registered there"
        ) from error

    async def _verify(
        self, metadata: ProviderMetadata, tokens: ProviderTokens, *, nonce: str | None
    ) -> Mapping[str, Any]:
        """Return the claims of the ID token; read the keys anew if it names an unknown one."""
        for is_key_unknown in (False, True):
            keys = await self._directory.read_keys(self._client, is_key_unknown=is_key_unknown)
            try:
                return verify_id_token(
                    tokens.id_token or "",
                    keys,
                    issuer=metadata.issuer,
                    client_id=self.configuration.client_id,
                    algorithms=metadata.algorithms,
                    access_token=tokens.access_token,
                    nonce=nonce,
                )
            except UnknownKey:
                if is_key_unknown:
                    raise
        raise AssertionError("the second round returns or raises")

    async def _complete(
        self, metadata: ProviderMetadata, claims: Mapping[str, Any], tokens: ProviderTokens
    ) -> ProviderProfile:
        """Read who somebody is; ask the userinfo endpoint for claims that the ID token lacks."""
        endpoint = metadata.userinfo_endpoint
        is_enough = not lacks_claims(self.configuration, claims, needs_groups=self._needs_groups)
        if endpoint is None or is_enough:
            return read_profile(self.configuration, claims)
        userinfo = await self._read_userinfo(endpoint, tokens.access_token)
        return read_profile(self.configuration, claims, userinfo)

    async def _read_userinfo(self, endpoint: str, access_token: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        with answers.translating_errors():
            async with self._client.stream(
                "GET", endpoint, headers=headers, withhold_token=True
            ) as response:
                if response.status_code == httpx2.codes.UNAUTHORIZED:
                    raise TokenRefused("the sign-in provider no longer accepts your token")
                return await answers.read_json(response)


def _choose_auth_method(metadata: ProviderMetadata, *, has_secret: bool) -> str:
    """Return how this client shows its secret; a provider that says nothing takes the header."""
    if not has_secret:
        return "none"
    offered = metadata.auth_methods or ("client_secret_basic",)
    return "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"


def _read_tokens(
    answer: Mapping[str, Any], *, before: ProviderTokens | None = None
) -> ProviderTokens:
    """Read the tokens of an answer; a refresh may leave out what stays as it was.

    Raises:
        SignInFailed: There is no access token.
    """
    access_token = _read_token(answer, "access_token")
    if access_token is None:
        raise SignInFailed("the sign-in provider sent no access token")
    lasts_s = answer.get("expires_in")
    is_number = isinstance(lasts_s, int) and not isinstance(lasts_s, bool)
    lasts = timedelta(seconds=min(max(int(lasts_s), 0), 86_400)) if is_number else None  # type: ignore[arg-type]  # a number
    return ProviderTokens(
        access_token=access_token,
        access_expires_at=None if lasts is None else clock.now() + lasts,
        refresh_token=_read_token(answer, "refresh_token")
        or (before.refresh_token if before else None),
        id_token=_read_token(answer, "id_token") or (before.id_token if before else None),
    )


def _read_token(answer: Mapping[str, Any], name: str) -> str | None:
    token = answer.get(name)
    is_token = isinstance(token, str) and 0 < len(token) <= _LONGEST_TOKEN_CHARS
    return token if is_token else None
