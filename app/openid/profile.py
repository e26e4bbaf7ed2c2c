"""Reads who somebody is from the claims of an ID token and of the userinfo endpoint.

Source: OpenID Connect Core 1.0, sections 5.1 and 5.3; Microsoft's claims `xms_edov`, `hasgroups`
and `_claim_names` (group overage).
"""

from collections.abc import Mapping
from typing import Any, Final

from app.core import log
from app.core.errors import SignInFailed
from app.openid.model import ProviderConfiguration, ProviderProfile

MOST_GROUPS: Final = 1_000
_LONGEST_SUBJECT_CHARS: Final = 255
_TRUE: Final = (True, "true", "True", 1, "1")
"""The ways in which providers write that an address is verified."""


def read_profile(
    configuration: ProviderConfiguration,
    claims: Mapping[str, Any],
    userinfo: Mapping[str, Any] | None = None,
) -> ProviderProfile:
    """Read who somebody is.

    Args:
        configuration: The provider, and the claim with groups.
        claims: The claims of a verified ID token.
        userinfo: The answer of the userinfo endpoint about the same person, if it was asked.

    Raises:
        SignInFailed: The claims name nobody, or another person than the ID token.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT_CHARS:
        raise SignInFailed("the sign-in provider does not say who signed in")
    if userinfo is not None and userinfo.get("sub") != subject:
        raise SignInFailed("the sign-in provider's userinfo is about somebody else")
    # The address and what is said about it come from one source, never half from each.
    about_email = claims if claims.get("email") or userinfo is None else userinfo
    both = {**(userinfo or {}), **claims}
    email = about_email.get("email")
    return ProviderProfile(
        issuer=configuration.issuer,
        subject=subject,
        email=email.strip() if isinstance(email, str) and email.strip() else None,
        is_email_verified=_is_verified(about_email),
        name=_read_name(both),
        groups=_read_groups(configuration.groups_claim, claims, userinfo),
    )


def lacks_claims(
    configuration: ProviderConfiguration, claims: Mapping[str, Any], *, needs_groups: bool
) -> bool:
    """Tell whether the userinfo endpoint should be asked for what an ID token leaves out."""
    profile = read_profile(configuration, claims)
    has_groups = profile.groups is not None or not needs_groups
    return profile.email is None or not profile.name or not has_groups


def _is_verified(claims: Mapping[str, Any]) -> bool:
    said = claims.get("email_verified")
    return (claims.get("xms_edov") if said is None else said) in _TRUE


def _read_name(claims: Mapping[str, Any]) -> str:
    for claim in ("name", "preferred_username", "nickname"):
        name = claims.get(claim)
        if isinstance(name, str) and name.strip():
            return name.strip()
    return ""


def _read_groups(
    claim: str, claims: Mapping[str, Any], userinfo: Mapping[str, Any] | None
) -> tuple[str, ...] | None:
    """Return the groups of a person, from the ID token or else from userinfo.

    Raises:
        SignInFailed: There are too many to be sent, or to be read.
    """
    for source in (claims, userinfo or {}):
        value = _find_claim(source, claim)
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list):
            if len(value) > MOST_GROUPS:
                raise SignInFailed(
                    f"the sign-in provider names {len(value):,} groups, and {MOST_GROUPS:,} are "
                    "read; let it send only those that this server needs"
                )
            return tuple(group for group in value if isinstance(group, str))
    names = claims.get("_claim_names")
    if claims.get("hasgroups") or (isinstance(names, dict) and claim in names):
        raise SignInFailed(
            "you are in more groups than the sign-in provider puts into a token; let it send only "
            f"those that this server needs in the claim {log.shown(claim)}"
        )
    return None


def _find_claim(claims: Mapping[str, Any], name: str) -> object:
    """Return a claim, also one inside of objects; the whole name comes first, as some have dots."""
    if name in claims:
        return claims[name]
    value: object = claims
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
