"""Tests of who somebody is by the claims of a provider, and of the seal on their tokens."""

from typing import Any

import pytest

from app.core import clock
from app.core.errors import SignInFailed
from app.openid.model import ProviderConfiguration, ProviderTokens
from app.openid.profile import MOST_GROUPS, read_profile
from app.openid.sealed_tokens import open_tokens, seal_tokens


def configure(groups_claim: str = "groups") -> ProviderConfiguration:
    """Return the configuration of a provider."""
    return ProviderConfiguration(
        "https://sso.example.com", "playhead", "hush", "openid", groups_claim, "/back", "/out"
    )


@pytest.mark.parametrize(
    ("claim", "claims", "groups"),
    [
        ("groups", {"groups": ["a", "b"]}, ("a", "b")),
        ("groups", {"groups": "a"}, ("a",)),
        ("groups", {"groups": ["a", 7, None]}, ("a",)),
        ("groups", {"groups": []}, ()),
        ("groups", {}, None),
        ("groups", {"groups": {"a": 1}}, None),
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, ("a",)),
        ("realm_access.roles", {"realm_access": ["a"]}, None),
        ("https://x.example/groups", {"https://x.example/groups": ["a"]}, ("a",)),
    ],
)
def test_groups_are_read_from_the_claim(
    claim: str, claims: dict[str, Any], groups: tuple[str, ...] | None
):
    """A list, a text, or something inside of objects; None if nothing is said."""
    assert read_profile(configure(claim), {"sub": "ada", **claims}).groups == groups


@pytest.mark.parametrize(
    "claims",
    [
        {"groups": ["a"] * (MOST_GROUPS + 1)},
        {"hasgroups": True},
        {"_claim_names": {"groups": "src1"}},
    ],
)
def test_too_many_groups_are_told_in_words(claims: dict[str, Any]):
    """Nobody loses rights because a provider leaves groups out silently."""
    with pytest.raises(SignInFailed, match="groups"):
        read_profile(configure(), {"sub": "ada", **claims})


@pytest.mark.parametrize(
    ("claims", "is_verified"),
    [
        ({"email_verified": True}, True),
        ({"email_verified": "true"}, True),
        ({"email_verified": False}, False),
        ({"email_verified": "false"}, False),
        ({"email_verified": None}, False),
        ({}, False),
        ({"xms_edov": True}, True),
        ({"xms_edov": "1"}, True),
        ({"email_verified": False, "xms_edov": True}, False),
        ({"email_verified": [True]}, False),
    ],
)
def test_an_address_is_verified_if_the_provider_says_so(claims: dict[str, Any], is_verified: bool):
    """Anything but a clear yes means that the address is not verified."""
    profile = read_profile(configure(), {"sub": "ada", "email": "ada@example.com", **claims})
    assert profile.is_email_verified is is_verified


def test_an_address_and_its_proof_come_from_one_source():
    """Userinfo does not verify the address of the ID token, nor the other way round."""
    token = {"sub": "ada", "email": "ada@example.com"}
    userinfo = {"sub": "ada", "email": "eve@example.com", "email_verified": True}
    profile = read_profile(configure(), token, userinfo)
    assert (profile.email, profile.is_email_verified) == ("ada@example.com", False)
    with pytest.raises(SignInFailed, match="somebody else"):
        read_profile(configure(), token, {**userinfo, "sub": "eve"})


@pytest.mark.parametrize("subject", ["", None, 7, "x" * 256])
def test_somebody_has_a_subject(subject: Any):
    """Without a subject nobody has signed in."""
    with pytest.raises(SignInFailed, match="who signed in"):
        read_profile(configure(), {"sub": subject})


def test_tokens_open_with_the_cookie_alone():
    """Another cookie, or a changed seal, opens nothing; no secret is shown in logs."""
    tokens = ProviderTokens("access", clock.now(), "refresh", "id")
    sealed = seal_tokens(tokens, "cookie")
    assert open_tokens(sealed, "cookie") == tokens
    assert open_tokens(sealed, "another") is None
    assert open_tokens(sealed[:-1] + b"\0", "cookie") is None
    assert open_tokens(b"", "cookie") is None
    assert b"refresh" not in sealed
    assert "refresh" not in repr(tokens)
    assert "hush" not in repr(configure())
