"""Finds out who sends a request and what they may see; pages get people and projects only here."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import sign_ins
from app.accounts.model import Person, SignIn
from app.accounts.sign_ins import SignedInPerson
from app.administration.people import check_access
from app.administration.server import server_admin
from app.core import ids
from app.core.errors import NotFound, SignInRequired
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
    """Return who is signed in, if anybody."""
    token = read_sign_in_token(request)
    signed_in = await check_access.find_sign_in(services_of(request).db, token)
    return None if signed_in is None else _remember_visitor(request, token, signed_in)


def known_visitor(request: Request) -> Visitor | None:
    """Return the visitor that was found for this request; None also when nobody has asked."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return visitor


async def require_visitor(request: Request) -> Visitor:
    """Return who is signed in.

    Raises:
        SignInRequired: Nobody is.
    """
    visitor = await find_visitor(request)
    if visitor is None:
        raise SignInRequired("nobody is signed in")
    return visitor


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
    grant = await check_access.check_project_access(
        services_of(request).db, token, _read_project_id(project_id)
    )
    _remember_visitor(request, token, grant.signed_in)
    return grant.access


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
    grant = await check_access.check_replay_access(services_of(request).db, token, key)
    _remember_visitor(request, token, grant.signed_in)
    return VisibleReplay(grant.signed_in.person, grant.replay)


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


def _read_project_id(value: int) -> ProjectId:
    if not 0 < value <= _BIGGEST_ID:
        raise NotFound("no such project")
    return ProjectId(value)


def _remember_visitor(request: Request, token: str, signed_in: SignedInPerson) -> Visitor:
    """Keep the visitor where the frame of the page finds them."""
    visitor = Visitor(signed_in.person, signed_in.sign_in, token)
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
