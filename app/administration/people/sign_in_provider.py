"""The sign-in provider that an operator has set up, and who may still use a password beside it.

Who comes from the provider signs in there alone: otherwise somebody who has left a group would get
in by a password. Admins of the server who were made by hand always may use one, so that somebody
can get in when the provider is away or set up wrongly.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.accounts.model import Person, PersonOrigin
from app.administration.people.group_policy import GroupPolicy, read_group_policy
from app.core.errors import SignInFailed
from app.core.settings import Settings
from app.openid.model import ProviderConfiguration

if TYPE_CHECKING:
    from app.openid.provider import OpenIdProvider


class ProviderSignInNeeded(SignInFailed):
    """A password or a link is right, and its person signs in at the provider."""


@dataclass(frozen=True, slots=True)
class SignInProvider:
    """A provider, and what an operator has decided about it."""

    openid: "OpenIdProvider"
    policy: GroupPolicy
    label: str
    allows_passwords: bool
    trusts_emails: bool
    """True if addresses count as verified though the provider does not say so."""


def open_sign_in_provider(
    settings: Settings, *, callback: str, signed_out: str
) -> SignInProvider | None:
    """Return the provider that the settings name; None if they name none. Nothing is asked yet.

    Args:
        settings: The choices of the operator.
        callback: The path to which the provider sends people back.
        signed_out: The path to which it sends people who have signed out.
    """
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    from app.openid.provider import OpenIdProvider  # noqa: PLC0415 - 9 MB that few servers need

    secret = settings.oidc_client_secret
    policy = read_group_policy(settings)
    configuration = ProviderConfiguration(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        scopes=settings.oidc_scopes,
        groups_claim=settings.oidc_groups_claim,
        redirect_uri=settings.base_url + callback,
        signed_out_uri=settings.base_url + signed_out,
    )
    return SignInProvider(
        OpenIdProvider(configuration, needs_groups=policy.needs_groups),
        policy,
        settings.oidc_label,
        settings.oidc_passwords,
        settings.oidc_trust_emails,
    )


def may_use_password(person: Person, provider: SignInProvider | None) -> bool:
    """Tell whether a person may sign in by a password or a link of this server."""
    if provider is None:
        return True
    if person.origin is PersonOrigin.PROVIDER:
        return False
    return provider.allows_passwords or person.is_admin


def require_password_use(person: Person, provider: SignInProvider | None) -> None:
    """Make sure that a person may sign in by a password or a link of this server.

    Raises:
        ProviderSignInNeeded: They sign in at the provider.
    """
    if provider is not None and not may_use_password(person, provider):
        raise ProviderSignInNeeded(
            f"you sign in with {provider.label} here, not with a password or a link"
        )
