"""Checks of `playhead doctor`: whether people can sign in with the provider that is set up."""

from app.administration.people.group_policy import find_unknown_projects
from app.administration.people.sign_in_provider import SignInProvider, open_sign_in_provider
from app.cli import environment
from app.cli.checks.check_result import CheckLevel, CheckResult
from app.core.errors import ReplayError
from app.core.settings import Settings
from app.db.engine import Database
from app.openid.provider import OpenIdProvider
from app.web.urls import account_urls

_NAME = "sign-in provider"


async def check_sign_in_provider(settings: Settings) -> list[CheckResult]:
    """Ask the provider what it offers, whether it knows this server, and check the groups."""
    provider = open_sign_in_provider(
        settings, callback=account_urls.PROVIDER_CALLBACK, signed_out=account_urls.SIGN_IN
    )
    if provider is None:
        return [CheckResult(_NAME, CheckLevel.OK, "none: people sign in by password or link")]
    try:
        return [
            await _check_offer(provider.openid),
            await _check_redirect(provider.openid),
            *_check_groups(provider),
            *await _check_projects(settings, provider),
        ]
    except ReplayError as error:
        return [CheckResult(_NAME, CheckLevel.FAIL, str(error))]
    finally:
        await provider.openid.close()


async def _check_offer(openid: OpenIdProvider) -> CheckResult:
    metadata = await openid.read_metadata()
    keys = await openid.count_keys()
    text = f"{metadata.issuer} answers, {keys} keys, signs with {', '.join(metadata.algorithms)}"
    if metadata.end_session_endpoint is None:
        return CheckResult(
            _NAME, CheckLevel.OK, f"{text}; it cannot be told that somebody signs out here"
        )
    return CheckResult(_NAME, CheckLevel.OK, text)


async def _check_redirect(openid: OpenIdProvider) -> CheckResult:
    """Begin a sign-in, which most providers refuse at once if they do not know the way back."""
    address = openid.configuration.redirect_uri
    if await openid.accepts_redirect():
        return CheckResult("redirect URI", CheckLevel.OK, f"{address} is accepted")
    text = f"the provider refuses a sign-in: register {address} there, and check the client id"
    return CheckResult("redirect URI", CheckLevel.FAIL, text)


def _check_groups(provider: SignInProvider) -> list[CheckResult]:
    if not provider.policy.needs_groups:
        text = "none named: everybody whom the provider lets in may sign in, without any right"
        return [CheckResult("groups", CheckLevel.OK, text)]
    claim = provider.openid.configuration.groups_claim
    return [CheckResult("groups", CheckLevel.OK, f"read from the claim {claim}")]


async def _check_projects(settings: Settings, provider: SignInProvider) -> list[CheckResult]:
    """Check that the projects exist in which groups have roles."""
    urls = environment.find_known_urls(settings)
    if urls is None or not provider.policy.roles:
        return []
    database = Database.open(urls.app, pool_size=1)
    try:
        async with database.reading() as connection:
            unknown = await find_unknown_projects(connection, provider.policy)
    finally:
        await database.close()
    if not unknown:
        return []
    text = f"PLAYHEAD_OIDC_PROJECT_ROLES names projects that do not exist: {', '.join(unknown)}"
    return [CheckResult("roles of groups", CheckLevel.WARN, text)]
