"""Finds out whose token a request has, and what it may do; routes get projects only here.

    Authorization: Bearer sntrys_…

    401  no token, or one that is unknown, revoked or expired; also the key of a DSN
    403  the token lacks the scope, or belongs to another project
    404  there is no such project

A route asks for what it needs by the type of a parameter, such as `caller: access.UploadCaller` or,
where `{project}` is part of the address, `target: access.UploadProject`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import unquote

from fastapi import Depends
from starlette.requests import Request

from app.accounts.networks import network_of
from app.administration.api_tokens.check_token import check_token, exists_project
from app.api_tokens.model import ApiToken, Scope
from app.api_tokens.secret import has_token_form, hash_secret
from app.core import log
from app.core.errors import ApiTokenRefused, InvalidInput, NotFound, PermissionDenied
from app.projects.model import Project
from app.rest.services import services_of

_BEARER: Final = "bearer"
_LONGEST_SECRET_CHARS: Final = 2_000
_LONGEST_NAME_CHARS: Final = 400
_LONGEST_RELEASE_CHARS: Final = 250


@dataclass(frozen=True, slots=True)
class RestCaller:
    """A program, by its token, and what it may do."""

    token: ApiToken
    projects: tuple[Project, ...]
    """The projects that the token reaches now, by name; never empty."""

    @property
    def scopes(self) -> frozenset[Scope]:
        """The rights of the token."""
        return self.token.scopes

    def require_scope(self, *scopes: Scope) -> None:
        """Make sure that the token has one of some scopes.

        Raises:
            PermissionDenied: It has none of them.
        """
        if self.scopes.isdisjoint(scopes):
            needed = " or ".join(scopes)
            raise PermissionDenied(
                f"the token `{log.shown(self.token.name)}` lacks the scope {needed}; "
                f"it has {', '.join(sorted(self.scopes))}"
            )

    def find_project(self, slug_or_id: str) -> Project | None:
        """Return the project with this slug or id, if the token reaches it."""
        by_id = None
        for project in self.projects:
            if project.slug == slug_or_id:
                return project
            if str(project.id) == slug_or_id:
                by_id = project
        return by_id


@dataclass(frozen=True, slots=True)
class RestTarget:
    """A program and the project in the address that it asks for, which its token reaches."""

    caller: RestCaller
    project: Project


async def require_caller(request: Request) -> AsyncIterator[RestCaller]:
    """Return the program behind a request, which counts until it is answered.

    Raises:
        ApiTokenRefused: It has no token, or one that does not work.
        BusyService: Too many requests came with this token, or with others that do not work.
    """
    services = services_of(request)
    address = request.client.host if request.client else "unknown"
    secret = _read_secret(request)
    if not secret:
        raise ApiTokenRefused("an API token is needed: `Authorization: Bearer sntrys_…`")
    if not has_token_form(secret):
        raise ApiTokenRefused("this is no API token of Playhead: they begin with `sntrys_`")
    network, token_sha256 = network_of(address), hash_secret(secret)
    services.rates.check_failures(network, token_sha256)
    grant = await check_token(services.db, secret, address=address)
    if grant is None:
        services.rates.count_failure(network, token_sha256)
        raise ApiTokenRefused("this API token does not work: it is unknown, revoked or expired")
    services.rates.count_request(grant.token.id, token_sha256)
    with services.open_requests.counting(grant.token.id):
        yield RestCaller(grant.token, grant.projects)


async def require_project(request: Request, caller: RestCaller, slug_or_id: str) -> Project:
    """Return a project that a request names.

    Args:
        request: The request.
        caller: The person who asks.
        slug_or_id: The slug or the number of the project.

    Raises:
        PermissionDenied: The token does not reach it.
        NotFound: There is no such project.
    """
    project = caller.find_project(slug_or_id)
    if project is not None:
        return project
    shown = log.shown(slug_or_id)
    is_name = "\0" not in slug_or_id and len(slug_or_id) <= _LONGEST_NAME_CHARS
    if is_name and await exists_project(services_of(request).db, slug_or_id):
        raise PermissionDenied(f"the token `{caller.token.name}` is not for the project `{shown}`")
    raise NotFound(f"there is no project `{shown}`; a project is named by its slug or its number")


async def require_projects(
    request: Request, caller: RestCaller, slugs_or_ids: Iterable[str]
) -> list[Project]:
    """Return several projects that a request names, each once; raises as `require_project`."""
    projects = [await require_project(request, caller, name) for name in slugs_or_ids]
    return list({project.id: project for project in projects}.values())


def read_segment(text: str) -> str:
    """Read a part of an address, which is percent-encoded.

    Raises:
        NotFound: It is not UTF-8.
    """
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise NotFound("the address is not UTF-8") from None


def read_release_name(version: str) -> str:
    """Read the name of a release, of an address or of a body.

    Raises:
        InvalidInput: No release can have such a name.
    """
    name = version.strip()
    is_text = name.isprintable() and name not in {"", ".", ".."}
    if not is_text or len(name) > _LONGEST_RELEASE_CHARS:
        raise InvalidInput(
            f"{log.shown(version)!r} is not a name for a release: use 1 to "
            f"{_LONGEST_RELEASE_CHARS} printable characters"
        )
    return name


def _read_secret(request: Request) -> str:
    """Return the token in the `Authorization` line; empty if there is none that can be read."""
    lines = request.headers.getlist("authorization")
    scheme, _, secret = (lines[0] if len(lines) == 1 else "").partition(" ")
    if scheme.lower() != _BEARER or len(secret) > _LONGEST_SECRET_CHARS:
        return ""
    return secret.strip()


def _require_scope(*scopes: Scope) -> Callable[..., Awaitable[RestCaller]]:
    async def require(caller: Annotated[RestCaller, Depends(require_caller)]) -> RestCaller:
        caller.require_scope(*scopes)
        return caller

    return require


def _require_target(*scopes: Scope) -> Callable[..., Awaitable[RestTarget]]:
    async def require(
        request: Request,
        project: str,
        caller: Annotated[RestCaller, Depends(_require_scope(*scopes))],
    ) -> RestTarget:
        named = await require_project(request, caller, read_segment(project))
        return RestTarget(caller, named)

    return require


async def _require_release_name(version: str) -> str:
    return read_release_name(read_segment(version))


_READ_RELEASES: Final = (Scope.PROJECT_READ, Scope.RELEASES)
"""Whoever makes releases reads them too: `releases set-commits` asks for the one before."""

AnyCaller = Annotated[RestCaller, Depends(require_caller)]
UploadCaller = Annotated[RestCaller, Depends(_require_scope(Scope.UPLOAD))]
UploadProject = Annotated[RestTarget, Depends(_require_target(Scope.UPLOAD))]
ReleasesCaller = Annotated[RestCaller, Depends(_require_scope(Scope.RELEASES))]
ReleasesProject = Annotated[RestTarget, Depends(_require_target(Scope.RELEASES))]
ReleasesReader = Annotated[RestCaller, Depends(_require_scope(*_READ_RELEASES))]
ReleasesReaderProject = Annotated[RestTarget, Depends(_require_target(*_READ_RELEASES))]
ProjectReader = Annotated[RestCaller, Depends(_require_scope(*_READ_RELEASES))]
ProjectReaderProject = Annotated[RestTarget, Depends(_require_target(*_READ_RELEASES))]
EventReaderProject = Annotated[RestTarget, Depends(_require_target(Scope.EVENT_READ))]
ReleaseName = Annotated[str, Depends(_require_release_name)]
"""The name of a release in the address, decoded and checked; the parameter there is `version`."""
