"""Checks an ID token: its signature, who issued it for whom, when, and for which sign-in.

Source: OpenID Connect Core 1.0, section 3.1.3.7; RFC 7519, section 4.1.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from app.core import clock, log
from app.core.errors import SignInFailed

LEEWAY_S: Final = 120
"""The most that the clocks of the two servers may differ."""
_LONGEST_CHARS: Final = 100_000
_TIME_CLAIMS: Final = ("iat", "nbf")


class UnknownKey(SignInFailed):
    """The token is signed with a key that is not among the known ones; they may have changed."""


def verify_id_token(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    algorithms: tuple[str, ...],
    access_token: str | None,
    nonce: str | None,
) -> Mapping[str, Any]:
    """Return the claims of an ID token after checking all that can be checked.

    Args:
        token: The token as the provider sent it.
        keys: The keys that the provider signs with.
        issuer: The provider that must have issued it.
        client_id: The client that it must be issued for.
        algorithms: The signatures that are accepted.
        access_token: The access token that came with it, for `at_hash`.
        nonce: The value that this sign-in sent; None for a token that came with a refresh.

    Raises:
        UnknownKey: It names a key that is not among `keys`.
        SignInFailed: It is not to be believed; the message says why.
    """
    if len(token) > _LONGEST_CHARS:
        raise SignInFailed("the sign-in provider sent an ID token that is too long")
    registry = JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
    try:
        decoded = jwt.decode(token, keys, registry=registry)
    except InvalidKeyIdError as error:
        raise UnknownKey("the ID token is signed with a key that the provider lacks") from error
    except (JoseError, ValueError, TypeError) as error:
        raise SignInFailed(f"the ID token of the provider cannot be believed: {error}") from error
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": client_id},
            "sub": {"essential": True},
        },
        {"client_id": client_id, "nonce": nonce, "access_token": access_token},
    )
    try:
        claims.validate(now=int(clock.now().timestamp()), leeway=LEEWAY_S)
    except ExpiredTokenError as error:
        raise SignInFailed(_describe_clocks(claims)) from error
    except InvalidClaimError as error:
        if error.claim in _TIME_CLAIMS:
            raise SignInFailed(_describe_clocks(claims)) from error
        raise SignInFailed(_describe_claim(error.claim, claims)) from error
    except (JoseError, ValueError, TypeError) as error:
        raise SignInFailed(f"the ID token of the provider is not complete: {error}") from error
    return dict(claims)


def _describe_clocks(claims: Mapping[str, Any]) -> str:
    """Say how far the clocks are apart: the token was made a moment ago."""
    now = clock.now()
    issued_at = claims.get("iat")
    try:
        issued = datetime.fromtimestamp(float(issued_at), UTC)  # type: ignore[arg-type]  # may raise
    except (TypeError, ValueError, OverflowError, OSError):
        return "the times in the ID token of the provider cannot be read"
    return (
        f"the clocks of this server and of the sign-in provider differ: the token that was just "
        f"issued says {issued:%Y-%m-%d %H:%M:%S} UTC, and here it is {now:%Y-%m-%d %H:%M:%S} UTC. "
        "Set both clocks by NTP"
    )


def _describe_claim(claim: str, claims: Mapping[str, Any]) -> str:
    match claim:
        case "iss":
            return f"the ID token was issued by {log.shown(claims.get('iss'))}, another provider"
        case "aud" | "azp":
            return (
                f"the ID token was issued for {log.shown(claims.get(claim))}, which is not "
                "PLAYHEAD_OIDC_CLIENT_ID"
            )
        case "nonce":
            return "the ID token belongs to another sign-in; sign in again"
        case _:
            return f"the claim {log.shown(claim)} of the ID token is not as it must be"
