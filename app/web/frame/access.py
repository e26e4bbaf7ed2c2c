"""Who is behind a request, and what they may see: the one way of a page to a person or project.

cookie ─► sign-in ─► Visitor ─► role in the project ─► Inside
            │                          └ none: NotFound, as if the project did not exist
            └ none: SignInRequired, which a page answers with the sign-in form
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import sign_ins
from app.accounts.model import Person, SignIn
from app.accounts.sign_ins import SignedIn
from app.core import ids
from app.core.errors import NotFound, PermissionDenied, SignInRequired
from app.core.ids import ProjectId, ReplayId
from app.core.limits import LIMITS
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.projects.model import Project
from app.replays import queries as replays
from app.replays.model import Replay, ReplayKey
from app.web.frame import house
from app.web.frame.house import House

_BIGGEST_ID: Final = 2**63 - 1
_LONGEST_TOKEN_CHARS: Final = 200
_NOBODY: Final = "nobody is signed in"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who is signed in, and by what."""

    person: Person
    sign_in: SignIn
    token: str


@dataclass(frozen=True, slots=True)
class Inside:
    """A visitor in a project of theirs."""

    visitor: Visitor
    project: Project
    role: Role

    @property
    def person(self) -> Person:
        """Who it is."""
        return self.visitor.person

    def need(self, role: Role) -> None:
        """Make sure that the person may do what `role` may.

        Raises:
            PermissionDenied: They see the project, but may not do this in it.
        """
        if not self.role.includes(role):
            raise PermissionDenied(
                f"this needs the role {role}; yours in this project is {self.role}"
            )


@dataclass(frozen=True, slots=True)
class Watching:
    """A visitor at a replay's address; whether there is such a replay is not said."""

    inside: Inside
    key: ReplayKey


@dataclass(frozen=True, slots=True)
class Playing:
    """Somebody and a replay that they may see, read just now."""

    person: Person
    replay: Replay


def cookie_name(here: House) -> str:
    """Return the name of the sign-in cookie; `__Host-` binds it to this host and to https."""
    return "__Host-playhead" if here.is_https else "playhead"


def set_cookie(response: Response, here: House, token: str) -> None:
    """Hand the token of a sign-in to the browser."""
    response.set_cookie(
        cookie_name(here),
        token,
        max_age=int(sign_ins.LONGEST.total_seconds()),
        path="/",
        secure=here.is_https,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, here: House) -> None:
    """Let the browser forget the sign-in."""
    response.delete_cookie(
        cookie_name(here), path="/", secure=here.is_https, httponly=True, samesite="lax"
    )


def address(request: Request) -> str:
    """Return where a request comes from, for the audit log and the limit on guessing."""
    return request.client.host if request.client else "unknown"


def user_agent(request: Request) -> str:
    """Return the browser as it names itself."""
    return request.headers.get("user-agent", "")


def read_token(request: Request) -> str:
    """Return what the cookie holds; empty if it can be no token."""
    token = request.cookies.get(cookie_name(house.of(request)), "")
    return token if len(token) <= _LONGEST_TOKEN_CHARS else ""


async def who(request: Request) -> Visitor | None:
    """Return who is signed in, if anybody; the frame of the page finds it in the request too."""
    token = read_token(request)
    if not token:
        return None
    async with house.of(request).db.reading() as connection:
        found = await sign_ins.signed_in(connection, token)
    if found is None:
        return None
    await _touch(request, token, found)
    return _remember(request, token, found)


def _remember(request: Request, token: str, found: SignedIn) -> Visitor:
    visitor = Visitor(found.person, found.sign_in, token)
    request.state.visitor = visitor
    return visitor


async def _touch(request: Request, token: str, found: SignedIn) -> None:
    if found.is_touch_due:
        async with house.of(request).db.transaction() as connection:
            await sign_ins.touch(connection, token)


def visitor_of(request: Request) -> Visitor | None:
    """Return whom `who` has found behind this request; None also when nobody has asked."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return visitor


async def somebody(request: Request) -> Visitor:
    """Return who is signed in.

    Raises:
        SignInRequired: Nobody is.
    """
    visitor = await who(request)
    if visitor is None:
        raise SignInRequired(_NOBODY)
    return visitor


async def inside(request: Request, project_id: int) -> Inside:
    """Return the visitor in the project that the address names.

    Raises:
        SignInRequired: Nobody is signed in.
        NotFound: There is no such project, or the person may not know that there is.
    """
    token = _need_token(request)
    async with house.of(request).db.reading() as connection:
        here, found = await _inside(request, connection, token, project_id)
    await _touch(request, token, found)
    return here


def _need_token(request: Request) -> str:
    token = read_token(request)
    if not token:
        raise SignInRequired(_NOBODY)
    return token


async def _inside(
    request: Request, connection: AsyncConnection, token: str, project_id: int
) -> tuple[Inside, SignedIn]:
    """Ask who it is, which project, and in what role, over one connection."""
    visitor, found = await _signed_in(request, connection, token)
    wanted = _read_project_id(project_id)
    project, role = await memberships.get_project(connection, found.person, wanted)
    return Inside(visitor, project, role), found


async def _signed_in(
    request: Request, connection: AsyncConnection, token: str
) -> tuple[Visitor, SignedIn]:
    found = await sign_ins.signed_in(connection, token)
    if found is None:
        raise SignInRequired(_NOBODY)
    return _remember(request, token, found), found


def _read_project_id(value: int) -> ProjectId:
    if not 0 < value <= _BIGGEST_ID:
        raise NotFound("no such project")
    return ProjectId(value)


def read_replay_id(value: str) -> ReplayId:
    """Read the replay id of an address.

    Raises:
        NotFound: It is none, so there is no such replay.
    """
    found = ids.read_hex32(value)
    if found is None:
        raise NotFound("no replay has such an id")
    return ReplayId(found)


async def replay_here(request: Request, project_id: int, replay_id: str) -> Watching:
    """Return the visitor, the project and the key of the replay that the address names.

    Raises:
        SignInRequired: Nobody is signed in.
        NotFound: There is no such project, the person may not see it, or the id is none.
    """
    here = await inside(request, project_id)
    return Watching(here, ReplayKey(here.project.id, read_replay_id(replay_id)))


async def player_here(request: Request, project_id: int, replay_id: str) -> Playing:
    """Return the visitor and the replay itself, for what players ask many times.

    All of it is read with every request, so a deleted replay and a lost role are gone at once. The
    project is not: who has a role in it sees it, and a replay names it.

    Raises:
        SignInRequired: Nobody is signed in.
        NotFound: There is no such replay, or the person may not see it.
    """
    token = _need_token(request)
    async with house.of(request).db.reading() as connection:
        visitor, found = await _signed_in(request, connection, token)
        key = ReplayKey(_read_project_id(project_id), read_replay_id(replay_id))
        role = await memberships.find_role(connection, visitor.person, key.project_id)
        replay = await replays.find_replay(connection, key) if role else None
    await _touch(request, token, found)
    if replay is None:
        raise NotFound(f"no replay {key.replay_id}")
    return Playing(visitor.person, replay)


RowId = Annotated[int, Field(ge=0, le=_BIGGEST_ID)]
"""A number in an address that Postgres can compare with an id; any other leads nowhere."""
SomebodyHere = Annotated[Visitor, Depends(somebody)]
AnybodyHere = Annotated[Visitor | None, Depends(who)]
InsideHere = Annotated[Inside, Depends(inside)]
WatchingHere = Annotated[Watching, Depends(replay_here)]
PlayingHere = Annotated[Playing, Depends(player_here)]


FromSegment = Annotated[int, Query(ge=0, le=LIMITS.segment_id)]
"""The first segment whose recording a page of a replay reads."""
