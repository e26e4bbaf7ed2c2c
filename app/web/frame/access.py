"""Finds out who sends a request and what they may see; pages get people and projects only here."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import sign_ins
from app.accounts.model import Person, SignIn
from app.accounts.provider_checks import ProviderCheck
from app.accounts.sign_ins import SignedInPerson
from app.administration.people import check_access
from app.administration.people.provider_check import confirm_sign_in
from app.administration.server import server_admin
from app.core import ids
from app.core.errors import NotFound, ProviderUnavailable, SignInRequired
from app.core.ids import ProjectId, ReplayId
from app.core.limits import LIMITS
from app.memberships.model import ProjectAccess
from app.replays.model import Replay, ReplayKey
from app.web.frame.services import PageServices, services_of

_BIGGEST_ID: Final = 2**63 - 1
_BIGGEST_ROW_NUMBER: Final = 1_000_000
_LONGEST_TOKEN_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who is signed in, and their sign-in."""

    person: Person
    sign_in: SignIn
    token: str
    provider_check: ProviderCheck | None = None
    """The checks at the provider that the sign-in came from, if it came from one."""


@dataclass(frozen=True, slots=True)
class RequestedReplay:
    """The key in a replay's address, and the visitor's access to its project.

    It does not say whether there is such a replay.
    """

    access: ProjectAccess
    key: ReplayKey


@dataclass(frozen=True, slots=True)
class VisibleReplay:
    """A visitor and a replay that they may see, read with this request."""

    person: Person
    replay: Replay


def cookie_name(services: PageServices) -> str:
    """Return the name of the sign-in cookie; `__Host-` binds it to this host and to https."""
    return "__Host-playhead" if services.is_https else "playhead"


def set_cookie(response: Response, services: PageServices, token: str) -> None:
    """Set the cookie that holds the token of a sign-in."""
    response.set_cookie(
        cookie_name(services),
        token,
        max_age=int(sign_ins.LONGEST.total_seconds()),
        path="/",
        secure=services.is_https,
        httponly=True,
        samesite="lax",
    )


def delete_cookie(response: Response, services: PageServices) -> None:
    """Delete the cookie of the sign-in."""
    response.delete_cookie(
        cookie_name(services), path="/", secure=services.is_https, httponly=True, samesite="lax"
    )


def client_address(request: Request) -> str:
    """Return the address of the sender, for the audit log and the limit on guessing."""
    return request.client.host if request.client else "unknown"


def read_user_agent(request: Request) -> str:
    """Return the name that the browser gives itself."""
    return request.headers.get("user-agent", "")


def read_sign_in_token(request: Request) -> str:
    """Return the token in the cookie; empty if there is none, or if it is too long to be one."""
    token = request.cookies.get(cookie_name(services_of(request)), "")
    return token if len(token) <= _LONGEST_TOKEN_CHARS else ""


async def find_visitor(request: Request) -> Visitor | None:
    """Return who is signed in, if anybody; nobody is whose provider does not confirm it."""
    with suppress(SignInRequired, ProviderUnavailable):
        return await require_visitor(request)
    return None


def known_visitor(request: Request) -> Visitor | None:
    """Return the visitor that was found for this request; None also when nobody has asked."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return visitor


async def require_visitor(request: Request) -> Visitor:
    """Return who is signed in.

    Raises:
        SignInRequired: Nobody is.
        ProviderUnavailable: The provider of the sign-in has not answered for an hour.
    """
    token = _require_token(request)
    database = services_of(request).db

    async def find() -> tuple[SignedInPerson, None]:
        signed_in = await check_access.find_sign_in(database, token)
        if signed_in is None:
            raise SignInRequired("nobody is signed in")
        return signed_in, None

    signed_in, _ = await _confirm(request, token, find)
    return _remember_visitor(request, token, signed_in)


async def require_server_admin(request: Request) -> Visitor:
    """Return who is signed in, if they are an admin of the server.

    Raises:
        SignInRequired: Nobody is signed in.
        PermissionDenied: They are not an admin of the server.
    """
    visitor = await require_visitor(request)
    server_admin.require_server_admin(visitor.person)
    return visitor


async def require_project(request: Request, project_id: int) -> ProjectAccess:
    """Return the visitor's access to the project in the address.

    Raises:
        SignInRequired: Nobody is signed in.
        NotFound: There is no such project, or the visitor may not know that there is.
    """
    token = _require_token(request)
    database = services_of(request).db

    async def find() -> tuple[SignedInPerson, ProjectAccess]:
        grant = await check_access.check_project_access(
            database, token, _read_project_id(project_id)
        )
        return grant.signed_in, grant.access

    signed_in, access = await _confirm(request, token, find)
    _remember_visitor(request, token, signed_in)
    return access


async def require_replay_address(
    request: Request, project_id: int, replay_id: str
) -> RequestedReplay:
    """Return the visitor's access to the project in the address, and the key of the replay.

    Raises:
        SignInRequired: Nobody is signed in.
        NotFound: There is no such project, the visitor may not see it, or the id is malformed.
    """
    access = await require_project(request, project_id)
    return RequestedReplay(access, ReplayKey(access.project.id, read_replay_id(replay_id)))


async def require_visible_replay(
    request: Request, project_id: int, replay_id: str
) -> VisibleReplay:
    """Return the visitor and the replay in the address.

    All of it is read with every request, so a deleted replay and a lost role are gone at once.

    Raises:
        SignInRequired: Nobody is signed in.
        NotFound: There is no such replay, or the visitor may not see it.
    """
    token = _require_token(request)
    key = ReplayKey(_read_project_id(project_id), read_replay_id(replay_id))
    database = services_of(request).db

    async def find() -> tuple[SignedInPerson, Replay]:
        grant = await check_access.check_replay_access(database, token, key)
        return grant.signed_in, grant.replay

    signed_in, replay = await _confirm(request, token, find)
    _remember_visitor(request, token, signed_in)
    return VisibleReplay(signed_in.person, replay)


def read_replay_id(value: str) -> ReplayId:
    """Read the replay id of an address.

    Raises:
        NotFound: It is malformed, so there is no such replay.
    """
    replay_id = ids.read_hex32(value)
    if replay_id is None:
        raise NotFound("no replay has such an id")
    return ReplayId(replay_id)


def _require_token(request: Request) -> str:
    """Return the token in the cookie, before anything of the address is looked at."""
    token = read_sign_in_token(request)
    if not token:
        raise SignInRequired("nobody is signed in")
    return token


async def _confirm[Grant](
    request: Request, token: str, find: Callable[[], Awaitable[tuple[SignedInPerson, Grant]]]
) -> tuple[SignedInPerson, Grant]:
    """Return a sign-in and what it may see, once its provider confirms it, if it came from one.

    Args:
        request: The request.
        token: The token in the cookie.
        find: Reads both. It is called again if the provider was asked, for the person may have
            other rights since.

    Raises:
        SignInRequired: The provider has ended the sign-in.
        ProviderUnavailable: The provider has not answered for an hour.
    """
    signed_in, grant = await find()
    services = services_of(request)
    if await confirm_sign_in(services.db, services.sign_in_provider, token, signed_in):
        return await find()
    return signed_in, grant


def _read_project_id(value: int) -> ProjectId:
    if not 0 < value <= _BIGGEST_ID:
        raise NotFound("no such project")
    return ProjectId(value)


def _remember_visitor(request: Request, token: str, signed_in: SignedInPerson) -> Visitor:
    """Keep the visitor where the frame of the page finds them."""
    visitor = Visitor(signed_in.person, signed_in.sign_in, token, signed_in.provider_check)
    request.state.visitor = visitor
    return visitor


RowId = Annotated[int, Field(ge=0, le=_BIGGEST_ID)]
"""A number in an address that fits an id in Postgres; others are answered with 404."""
RowNumber = Annotated[int, Field(ge=0, le=_BIGGEST_ROW_NUMBER)]
"""The number of rows of a list that a page skips."""
CurrentVisitor = Annotated[Visitor, Depends(require_visitor)]
CurrentAdmin = Annotated[Visitor, Depends(require_server_admin)]
OptionalVisitor = Annotated[Visitor | None, Depends(find_visitor)]
CurrentProject = Annotated[ProjectAccess, Depends(require_project)]
CurrentReplay = Annotated[RequestedReplay, Depends(require_replay_address)]
CurrentPlayback = Annotated[VisibleReplay, Depends(require_visible_replay)]
FromSegment = Annotated[int, Query(ge=0, le=LIMITS.segment_id)]
"""The first segment whose recording a page of a replay shows."""
