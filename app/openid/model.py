"""The frozen values of signing in with a provider; what is secret is left out of `repr`."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProviderConfiguration:
    """The provider that an operator has chosen, and how this server is registered there."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    scopes: str
    groups_claim: str
    """The claim with a person's groups; dots lead into objects: `realm_access.roles`."""
    redirect_uri: str
    """The address to which the provider sends people back."""
    signed_out_uri: str
    """The address to which the provider sends people who have signed out."""


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in that has been begun: what the browser must bring back from the provider."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    """The secret of PKCE, without which a stolen code is worth nothing."""


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """The tokens of a sign-in, as the provider gave them."""

    access_token: str = field(repr=False)
    access_expires_at: datetime | None
    refresh_token: str | None = field(repr=False)
    id_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """A person as their provider describes them."""

    issuer: str
    subject: str
    """The id of the person at the provider, which never changes and is never given to another."""
    email: str | None
    is_email_verified: bool
    """True if the provider says that it has checked the address."""
    name: str
    groups: tuple[str, ...] | None
    """The groups of the person; None if the provider said nothing about groups."""


@dataclass(frozen=True, slots=True)
class ProviderSignIn:
    """A person who has signed in at their provider, and the tokens of this sign-in."""

    profile: ProviderProfile
    tokens: ProviderTokens
