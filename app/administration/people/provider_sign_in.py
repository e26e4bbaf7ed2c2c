"""Signs in whoever comes from a sign-in provider: finds or adds them, and gives them their rights.

    account at the provider ─► known here ───────────────────────────────► its person
                             └ new ─► verified e-mail ─► of a person here ─► linked with them
                                                       └ of nobody ───────► a new person

An address that the provider does not call verified belongs to nobody for sure: who types in the
address of a colleague must not become that colleague. So it neither finds nor adds a person. A
person who is linked with one account of the provider is not linked with a second one: addresses are
given to new people, and accounts are not.
"""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import (
    identities,
    provider_checks,
    queries as accounts,
    sign_ins,
    writes as account_writes,
)
from app.accounts.model import Person, PersonOrigin
from app.administration.people import sign_in as local
from app.administration.people.group_policy import apply_groups
from app.administration.people.sign_in_provider import SignInProvider
from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock, log
from app.core.bounded_cache import BoundedCache
from app.core.errors import InvalidInput, SignInFailed
from app.core.ids import PersonId
from app.db.engine import Database
from app.openid.model import PendingSignIn, ProviderProfile
from app.openid.sealed_tokens import seal_tokens

_EMAIL_LOCKS: Final = 3
_LINE_EVERY_S: Final = 15 * 60.0


class ProviderSignInRefused(SignInFailed):
    """Somebody has signed in at the provider, and may not sign in here.

    Attributes:
        reason: The reason for the audit log.
        person_id: The person here, if they are known.
    """

    def __init__(self, message: str, reason: str, person_id: PersonId | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.person_id = person_id


async def sign_in_with_provider(
    database: Database,
    provider: SignInProvider,
    pending: PendingSignIn,
    code: str,
    *,
    address: str,
    user_agent: str,
    replaced_token: str = "",
) -> str:
    """Sign somebody in who comes back from the provider.

    Args:
        database: The database with the accounts.
        provider: The provider, and what its groups stand for.
        pending: The state that the browser has kept since the sign-in began.
        code: The code that the provider gave the browser.
        address: The IP address of the client.
        user_agent: The browser, for the person's own list of sign-ins.
        replaced_token: The token that the browser holds from before; its sign-in ends.

    Returns:
        The token for the cookie: always a new one.

    Raises:
        ProviderUnavailable: The provider does not answer, or does not accept this server.
        SignInFailed: The code or its answer is not to be believed, or the person may not sign in
            here; the message says why.
    """
    signed_in = await provider.openid.finish_sign_in(pending, code)
    profile = signed_in.profile
    try:
        async with database.transaction() as connection:
            require_admission(profile, provider)
            person = await _find_or_add_person(connection, profile, provider)
            await apply_groups(connection, person, profile.groups or (), provider.policy)
            token = await local.start_sign_in(
                connection,
                person.id,
                {"by": "openid"},
                address=address,
                user_agent=user_agent,
                replaced_token=replaced_token,
            )
            await provider_checks.add_check(
                connection,
                token,
                issuer=profile.issuer,
                subject=profile.subject,
                sealed_tokens=seal_tokens(signed_in.tokens, token),
            )
            return token
    except ProviderSignInRefused as refusal:
        await _record_refusal(database, profile, refusal, address=address)
        raise


def require_admission(profile: ProviderProfile, provider: SignInProvider) -> None:
    """Make sure that somebody's groups let them in.

    Raises:
        ProviderSignInRefused: They are in none of the groups that may sign in, or the provider
            does not say in which they are.
    """
    policy = provider.policy
    if policy.needs_groups and profile.groups is None:
        claim = provider.openid.configuration.groups_claim
        raise ProviderSignInRefused(
            f"{provider.label} does not say in which groups you are. It must send the claim "
            f"{claim} to this server, or PLAYHEAD_OIDC_GROUPS_CLAIM must name another one",
            "groups_unknown",
        )
    if not policy.admits(profile.groups or ()):
        name = log.shown(profile.email or profile.name or profile.subject)
        raise ProviderSignInRefused(
            f"you are signed in with {provider.label} as {name}, and in none of the groups that "
            "may use this server. Ask whoever runs it, or sign in as somebody else",
            "not_in_group",
        )


async def _find_or_add_person(
    connection: AsyncConnection, profile: ProviderProfile, provider: SignInProvider
) -> Person:
    """Return the person whom an account at the provider belongs to, as they are from now on.

    Raises:
        ProviderSignInRefused: The address does not say for sure who it is, or the person is
            disabled.
    """
    identity = await identities.find_identity(connection, profile.issuer, profile.subject)
    if identity is not None:
        person = await accounts.get_person(connection, identity.person_id)
        _require_enabled(person)
        await identities.note_identity(connection, identity)
        return await _hand_over(connection, person)
    email = _require_email(profile, trusts_emails=provider.trusts_emails)
    await connection.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(email, _EMAIL_LOCKS)))
    )
    known = await accounts.find_person(connection, email)
    if known is None:
        return await _add_person(connection, profile, email)
    return await _link_person(connection, profile, known)


async def _add_person(connection: AsyncConnection, profile: ProviderProfile, email: str) -> Person:
    person = await account_writes.add_person(
        connection, email, name=profile.name, origin=PersonOrigin.PROVIDER
    )
    await identities.add_identity(
        connection, person.id, issuer=profile.issuer, subject=profile.subject
    )
    await _add_audit_line(connection, Action.PERSON_ADDED, person)
    return person


async def _link_person(
    connection: AsyncConnection, profile: ProviderProfile, person: Person
) -> Person:
    """Link somebody who has an account here with their account at the provider.

    A trusted address is not enough for an admin: a provider at which people may type in any address
    would give the whole server away.
    """
    _require_enabled(person)
    if person.is_admin and not profile.is_email_verified:
        raise _refuse_unverified(profile)
    other = await identities.find_identity_of(connection, person.id, profile.issuer)
    if other is not None:
        # Two requests of one person at once: the other one has linked them meanwhile.
        if other.subject == profile.subject:
            return await _hand_over(connection, person)
        raise ProviderSignInRefused(
            f"somebody else of your provider has signed in here with the address {person.email}. "
            "If the address is yours now, ask whoever runs this server for "
            f"playhead user unlink {person.email}",
            "linked_elsewhere",
            person.id,
        )
    await identities.add_identity(
        connection, person.id, issuer=profile.issuer, subject=profile.subject
    )
    await _add_audit_line(connection, Action.IDENTITY_LINKED, person)
    return await _hand_over(connection, person)


async def _hand_over(connection: AsyncConnection, person: Person) -> Person:
    """Let the provider decide about a person who was added here, unless they are an admin.

    Their sign-ins by password end: nobody would check those at the provider.
    """
    if person.origin is PersonOrigin.PROVIDER or person.is_admin:
        return person
    await account_writes.set_origin(connection, person.id, PersonOrigin.PROVIDER)
    await sign_ins.end_sign_ins(connection, person.id)
    return await accounts.get_person(connection, person.id)


def _require_enabled(person: Person) -> None:
    if person.disabled_at is not None:
        raise ProviderSignInRefused(
            "your account on this server is deactivated; ask whoever runs it", "disabled", person.id
        )


def _require_email(profile: ProviderProfile, *, trusts_emails: bool) -> str:
    """Return the address of somebody who is new here, as it is stored.

    Raises:
        ProviderSignInRefused: There is none, or it may be somebody else's.
    """
    if profile.email is None:
        raise ProviderSignInRefused(
            "the sign-in provider does not tell your e-mail address. It must send the claim email, "
            "and PLAYHEAD_OIDC_SCOPES must ask for it",
            "no_email",
        )
    if not (profile.is_email_verified or trusts_emails):
        raise _refuse_unverified(profile)
    try:
        return account_writes.read_email(profile.email)
    except InvalidInput as error:
        raise ProviderSignInRefused(str(error), "no_email") from error


def _refuse_unverified(profile: ProviderProfile) -> ProviderSignInRefused:
    return ProviderSignInRefused(
        f"the sign-in provider does not say that the address {log.shown(profile.email)} is "
        "verified, so it may be somebody else's. Verify it there; if the provider never says so, "
        "whoever runs this server can set PLAYHEAD_OIDC_TRUST_EMAILS",
        "email_not_verified",
    )


async def _add_audit_line(connection: AsyncConnection, action: Action, person: Person) -> None:
    await audit.add_audit_line(
        connection, action, person_id=None, subject=str(person.id), detail={"by": "openid"}
    )


_recorded: Final = BoundedCache[tuple[str, str, str], float](256 * 1024)


async def _record_refusal(
    database: Database, profile: ProviderProfile, refusal: ProviderSignInRefused, *, address: str
) -> None:
    """Record a sign-in that was refused: a line for a person, a reason and a quarter of an hour.

    Lines stay for a year, and whoever has an account at the provider can try as often as they like.
    """
    key = (profile.issuer, profile.subject, refusal.reason)
    last_s = _recorded.get(key)
    if last_s is not None and clock.monotonic_s() - last_s < _LINE_EVERY_S:
        return
    _recorded.put(key, clock.monotonic_s(), sum(map(len, key)))
    async with database.transaction() as connection:
        await audit.add_audit_line(
            connection,
            Action.SIGN_IN_FAILED,
            person_id=refusal.person_id,
            detail={"by": "openid", "reason": refusal.reason, "address": address},
        )
