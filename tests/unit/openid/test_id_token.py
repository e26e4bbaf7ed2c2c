"""Tests of the checks of an ID token: every claim that can be wrong, and every signature."""

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from app.core import clock
from app.core.errors import SignInFailed
from app.openid.id_token import LEEWAY_S, UnknownKey, verify_id_token

ISSUER = "https://sso.example.com/realms/staff"
CLIENT = "playhead"
KEY = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
ALGORITHMS = ("RS256", "ES256")


def make_claims(**changes: Any) -> dict[str, Any]:
    """Return good claims; a change to None leaves a claim out."""
    now = clock.now_ms() // 1_000
    claims = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "ada",
        "iat": now,
        "exp": now + 300,
        "nonce": "n",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def sign(claims: dict[str, Any], key: Any = KEY, **header: str) -> str:
    """Sign claims."""
    head = {"alg": "RS256", "kid": "one", **header}
    registry = jws.JWSRegistry(algorithms=[head["alg"]])
    return jwt.encode(head, claims, key, registry=registry)


def verify(token: str, **changes: Any) -> Any:
    """Check a token as a sign-in does."""
    options: dict[str, Any] = {
        "issuer": ISSUER,
        "client_id": CLIENT,
        "algorithms": ALGORITHMS,
        "access_token": None,
        "nonce": "n",
    }
    keys = KeySet([RSAKey.import_key(KEY.as_dict(private=False))])
    return verify_id_token(token, keys, **options | changes)


def test_a_good_token_has_its_claims():
    """All claims are returned, also those that nobody checks."""
    assert verify(sign(make_claims(groups=["a"])))["groups"] == ["a"]
    assert verify(sign(make_claims(aud=[CLIENT])))["sub"] == "ada"
    assert verify(sign(make_claims(nonce=None)), nonce=None)["sub"] == "ada"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iss": "https://evil.example"}, "another provider"),
        ({"iss": f"{ISSUER}/"}, "another provider"),
        ({"iss": None}, "not complete"),
        ({"aud": "other"}, "PLAYHEAD_OIDC_CLIENT_ID"),
        ({"aud": ["other"]}, "PLAYHEAD_OIDC_CLIENT_ID"),
        ({"aud": None}, "not complete"),
        ({"aud": [CLIENT, "other"]}, "not complete"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "PLAYHEAD_OIDC_CLIENT_ID"),
        ({"sub": None}, "not complete"),
        ({"sub": 7}, "as it must be"),
        ({"nonce": "other"}, "another sign-in"),
        ({"nonce": None}, "not complete"),
        ({"exp": None}, "not complete"),
        ({"exp": "never"}, "as it must be"),
        ({"exp": float("inf")}, "as it must be|cannot be believed"),
        ({"iat": None}, "not complete"),
        ({"at_hash": "x"}, "as it must be"),
    ],
)
def test_a_wrong_claim_is_told_in_words(changes: dict[str, Any], words: str):
    """No token with a wrong or missing claim is believed."""
    with pytest.raises(SignInFailed, match=words):
        verify(sign(make_claims(**changes)), access_token="the access token")


def test_clocks_may_differ_by_two_minutes():
    """Within the leeway a token is good; beyond, the message has both times."""
    now = clock.now_ms() // 1_000
    verify(sign(make_claims(iat=now + LEEWAY_S - 10, nbf=now + LEEWAY_S - 10)))
    verify(sign(make_claims(iat=now - 400, exp=now - LEEWAY_S + 10)))
    ahead = clock.now() + timedelta(seconds=LEEWAY_S + 60)
    for changes in (
        {"iat": int(ahead.timestamp())},
        {"nbf": int(ahead.timestamp())},
        {"iat": now - 900, "exp": now - 600},
    ):
        with pytest.raises(SignInFailed, match=r"clocks .* differ.*NTP"):
            verify(sign(make_claims(**changes)))
    with pytest.raises(SignInFailed, match=f"{ahead:%Y-%m-%d %H:%M}"):
        verify(sign(make_claims(iat=int(ahead.timestamp()))))


def test_only_the_provider_can_sign():
    """Another key, no signature, a shared key and a changed token are all refused."""
    other = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
    good = sign(make_claims())
    head, claims, signature = good.split(".")
    unsigned = ".".join([_encode({"alg": "none"}), claims, ""])
    signed = f"{_encode({'alg': 'HS256', 'kid': 'one'})}.{claims}"
    mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    shared = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    changed = ".".join([head, _encode(make_claims(sub="eve")), signature])
    for token in (sign(make_claims(), other), unsigned, shared, changed, "", "a.b", "a.b.c", "é"):
        with pytest.raises(SignInFailed):
            verify(token)
    with pytest.raises(SignInFailed, match="too long"):
        verify("a" * 200_000)


def test_an_unknown_key_asks_for_the_keys_of_now():
    """A token of a key that is not known yet is no reason to give up."""
    new = ECKey.generate_key("P-256", {"kid": "two"}, private=True)
    with pytest.raises(UnknownKey):
        verify(sign(make_claims(), new, alg="ES256", kid="two"))


def _encode(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
