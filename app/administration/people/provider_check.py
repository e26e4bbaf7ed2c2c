"""Checks at the provider, every 10 minutes of use, that a sign-in from there still holds.

    the provider says                            what happens
    yes                                          the rights follow the groups of now
    in none of the groups any more               every sign-in of the person from there ends
    the token is refused                         this sign-in ends
    nothing: there is no token to ask with       after 15 minutes the browser goes there again,
                                                 which the person notices only if they are signed
                                                 out there
    nothing: it does not answer, or with what    the sign-in goes on, for an hour since the last yes
    cannot be believed

A provider that is away says nothing about a person's rights. If it shut everybody out at once,
those who mend the outage could not look at replays of it. After an hour it does: whoever can keep
this server from reaching the provider must not stay signed in for ever.
"""

import asyncio
from enum import StrEnum
from typing import Final

from app.accounts import provider_checks, queries as accounts, sign_ins
from app.accounts.provider_checks import ProviderCheckState, TakenCheck
from app.accounts.sign_ins import SignedInPerson
from app.administration.people.group_policy import apply_groups
from app.administration.people.provider_sign_in import ProviderSignInRefused, require_admission
from app.administration.people.sign_in_provider import SignInProvider
from app.audit import writes as audit
from app.audit.model import Action
from app.core import log
from app.core.errors import ProviderUnavailable, SignInFailed, SignInRequired, TokenRefused
from app.db.engine import Database
from app.openid.model import ProviderSignIn
from app.openid.sealed_tokens import open_tokens, seal_tokens

_WAIT_S: Final = 0.1
_MOST_WAITS: Final = 100
"""Waits for a check that another request makes: longer than that check may take."""
_logger: Final = log.get_logger("administration.provider_check")


class CheckNeeded(SignInRequired):
    """A sign-in from a provider must be confirmed there by the browser itself."""


class SignInEnding(StrEnum):
    """Why a sign-in from a provider ended."""

    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of a reason
    NOT_IN_GROUP = "not_in_group"
    NO_PROVIDER = "no_provider"


class SignInEnded(SignInRequired):
    """A sign-in from a provider has just ended.

    Attributes:
        ending: Why it ended.
    """

    def __init__(self, message: str, ending: SignInEnding) -> None:
        super().__init__(message)
        self.ending = ending


async def confirm_sign_in(
    database: Database, provider: SignInProvider | None, token: str, signed_in: SignedInPerson
) -> bool:
    """Make sure that a sign-in that came from a provider may be used now.

    Args:
        database: The database with the accounts.
        provider: The provider that is set up now, if any.
        token: The token in the cookie.
        signed_in: The sign-in.

    Returns:
        True if the provider was asked: then the rights of the person may have changed.

    Raises:
        SignInRequired: The sign-in is over.
        CheckNeeded: The browser must go to the provider, where the person may still be signed in.
        ProviderUnavailable: The provider has not answered for an hour.
    """
    if signed_in.provider_check is None:
        return False
    match signed_in.provider_check.state():
        case ProviderCheckState.FRESH | ProviderCheckState.UNANSWERED:
            return False
        case ProviderCheckState.OVER:
            raise _describe_outage()
        case ProviderCheckState.WAITING:
            pass
        case ProviderCheckState.DUE:
            async with database.transaction() as connection:
                check = await provider_checks.take_check(connection, token)
            if check is not None:
                await _ask_provider(database, provider, token, check)
                return True
    await _wait_for_check(database, token)
    return True


async def _wait_for_check(database: Database, token: str) -> None:
    """Wait until another request has checked the sign-in, unless it may be used meanwhile."""
    for _ in range(_MOST_WAITS):
        async with database.reading() as connection:
            check = await provider_checks.find_check(connection, token)
        if check is None:
            raise SignInRequired("your sign-in has ended")
        match check.state():
            case ProviderCheckState.FRESH | ProviderCheckState.UNANSWERED:
                return
            case ProviderCheckState.OVER:
                raise _describe_outage()
            case ProviderCheckState.DUE | ProviderCheckState.WAITING:
                await asyncio.sleep(_WAIT_S)
    raise ProviderUnavailable("your sign-in could not be checked; try again in a minute")


async def _ask_provider(
    database: Database, provider: SignInProvider | None, token: str, check: TakenCheck
) -> None:
    if provider is None or provider.openid.configuration.issuer != check.issuer:
        await _end_sign_in(database, token, check, SignInEnding.NO_PROVIDER)
        raise SignInEnded(
            "this server no longer uses the provider that you signed in with",
            SignInEnding.NO_PROVIDER,
        )
    tokens = open_tokens(check.sealed_tokens, token)
    try:
        answer = await provider.openid.check_sign_in(tokens, check.subject) if tokens else None
        if answer is not None:
            require_admission(answer.profile, provider)
    except ProviderUnavailable as error:
        await _note_silence(database, token, error)
        return
    except TokenRefused as error:
        await _end_sign_in(database, token, check, SignInEnding.TOKEN_REFUSED)
        raise SignInEnded(
            f"{provider.label} has ended your sign-in; sign in again", SignInEnding.TOKEN_REFUSED
        ) from error
    except ProviderSignInRefused as error:
        await _end_sign_in(database, token, check, SignInEnding.NOT_IN_GROUP)
        raise SignInEnded(str(error), SignInEnding.NOT_IN_GROUP) from error
    except SignInFailed as error:
        # An answer that cannot be believed, as with a wrong clock, is none.
        await _note_silence(database, token, error)
        return
    if answer is None:
        await _put_off(database, token, check)
    else:
        await _note_yes(database, provider, token, check, answer)


async def _note_yes(
    database: Database,
    provider: SignInProvider,
    token: str,
    check: TakenCheck,
    answer: ProviderSignIn,
) -> None:
    async with database.transaction() as connection:
        person = await accounts.get_person(connection, check.person_id)
        await apply_groups(connection, person, answer.profile.groups or (), provider.policy)
        await provider_checks.record_yes(connection, token, seal_tokens(answer.tokens, token))


async def _note_silence(
    database: Database, token: str, error: ProviderUnavailable | SignInFailed
) -> None:
    """Let the sign-in go on for a while, and ask again in a minute.

    Raises:
        ProviderUnavailable: The provider has not answered for an hour.
    """
    _logger.warning("the sign-in provider does not answer", reason=str(error))
    async with database.transaction() as connection:
        await provider_checks.record_no_answer(connection, token)
        now = await provider_checks.find_check(connection, token)
    if now is None or now.state() is ProviderCheckState.OVER:
        raise _describe_outage() from error


async def _put_off(database: Database, token: str, check: TakenCheck) -> None:
    """Let the sign-in go on while its last yes counts; nothing can be asked meanwhile.

    Raises:
        CheckNeeded: It counts no longer.
    """
    async with database.transaction() as connection:
        await provider_checks.put_off_check(connection, token, check)
        now = await provider_checks.find_check(connection, token)
    if now is None or now.state() is not ProviderCheckState.FRESH:
        raise CheckNeeded("your sign-in must be confirmed; open the page again")


async def _end_sign_in(
    database: Database, token: str, check: TakenCheck, reason: SignInEnding
) -> None:
    async with database.transaction() as connection:
        if reason is SignInEnding.TOKEN_REFUSED:
            await sign_ins.end_sign_in(connection, token)
        else:
            await provider_checks.end_provider_sign_ins(connection, check.person_id)
        await audit.add_audit_line(
            connection,
            Action.SIGN_IN_ENDED,
            person_id=None,
            subject=str(check.person_id),
            detail={"by": "openid", "reason": reason},
        )


def _describe_outage() -> ProviderUnavailable:
    return ProviderUnavailable(
        "the sign-in provider has not answered for an hour, so nobody can tell whether you may "
        "still use this server"
    )
