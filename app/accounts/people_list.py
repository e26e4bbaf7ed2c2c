"""The list of all people, for admins of the server: searched, in states, and slice by slice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Boolean, Select, Text, and_, bindparam, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.accounts.queries import PERSON_COLUMNS, read_person_row
from app.accounts.tables import people, sign_in_links
from app.core import clock
from app.core.ids import PersonId
from app.db.list_slices import ListSlice, SliceQuery

PART_PEOPLE: Final = 100

_LONGEST_SEARCH_CHARS: Final = 200
_LIKE_ESCAPES: Final = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class PersonState(StrEnum):
    """The state of an account: never used, in use, or disabled."""

    ACTIVE = "active"
    INVITED = "invited"
    """They have an account and have never signed in."""
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """The filters of a list of people; empty ones do not restrict it."""

    search: str = ""
    """A part of a name or an address, in any case."""
    state: PersonState | None = None
    is_admin: bool = False
    """Only admins of the server."""


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person as the list shows them."""

    person: Person
    state: PersonState
    link_expires_at: datetime | None
    """The time at which their unused sign-in link expires; None if there is none."""


_OPEN_LINK: Final = (
    select(func.max(sign_in_links.c.expires_at))
    .where(
        sign_in_links.c.person_id == people.c.id,
        sign_in_links.c.used_at.is_(None),
        sign_in_links.c.expires_at > bindparam("now"),
    )
    .correlate(people)
    .scalar_subquery()
)
_STATE: Final = case(
    (people.c.disabled_at.is_not(None), PersonState.DEACTIVATED.value),
    (people.c.last_sign_in_at.is_(None), PersonState.INVITED.value),
    else_=PersonState.ACTIVE.value,
)
_PEOPLE: Final[Select[Any]] = (
    select(*PERSON_COLUMNS, _STATE.label("state"), _OPEN_LINK.label("link_expires_at"))
    .where(
        or_(
            people.c.name.ilike(bindparam("pattern", type_=Text), escape="\\"),
            people.c.email.ilike(bindparam("pattern", type_=Text), escape="\\"),
        ),
        or_(bindparam("state", type_=Text) == "", bindparam("state", type_=Text) == _STATE),
        or_(
            ~bindparam("only_admins", type_=Boolean),
            and_(people.c.is_admin, people.c.disabled_at.is_(None)),
        ),
    )
    .order_by(func.lower(people.c.name), people.c.id)
)


def _read_listed_person(row: Any) -> ListedPerson:
    return ListedPerson(read_person_row(row), PersonState(row.state), row.link_expires_at)


_LIST: Final = SliceQuery(_PEOPLE, _read_listed_person, size=PART_PEOPLE)


async def list_people_in_state(
    connection: AsyncConnection, people_filter: PeopleFilter, *, first: int = 0
) -> ListSlice[ListedPerson]:
    """Return a slice of all people that pass a filter, by name."""
    search = people_filter.search.strip()[:_LONGEST_SEARCH_CHARS]
    parameters = {
        "pattern": f"%{search.translate(_LIKE_ESCAPES)}%",
        "state": people_filter.state or "",
        "only_admins": people_filter.is_admin,
        "now": clock.now(),
    }
    return await _LIST.read(connection, parameters, first=first)


async def count_people(connection: AsyncConnection) -> Mapping[PersonState, int]:
    """Count all people by their state; a state that nobody is in has 0."""
    rows = await connection.execute(
        select(_STATE.label("state"), func.count().label("quantity")).group_by("state")
    )
    counted = {PersonState(row.state): int(row.quantity) for row in rows}
    return {state: counted.get(state, 0) for state in PersonState}


async def find_listed_person(
    connection: AsyncConnection, person_id: PersonId
) -> ListedPerson | None:
    """Return a person with their state; None if there is no such person."""
    rows = await connection.execute(
        select(*PERSON_COLUMNS, _STATE.label("state"), _OPEN_LINK.label("link_expires_at")).where(
            people.c.id == person_id
        ),
        {"now": clock.now()},
    )
    row = rows.first()
    return None if row is None else _read_listed_person(row)
