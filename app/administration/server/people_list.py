"""Reads the list of all people of the server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.accounts.model import Person
from app.accounts.people_list import (
    ListedPerson,
    PeopleFilter,
    PersonState,
    count_people,
    list_people_in_state,
)
from app.administration.server.server_admin import require_server_admin
from app.core.ids import PersonId
from app.db.engine import Database
from app.db.list_slices import ListSlice
from app.memberships import queries as memberships
from app.memberships.model import Membership
from app.projects.model import Project


@dataclass(frozen=True, slots=True)
class PeopleList:
    """A slice of the people of the server, and their projects."""

    people: ListSlice[ListedPerson]
    counts: Mapping[PersonState, int]
    """The number of all people in each state, whatever the filter."""
    memberships: Mapping[PersonId, Sequence[Membership]]


async def read_people_list(
    database: Database, admin: Person, people_filter: PeopleFilter, *, first: int = 0
) -> PeopleList:
    """Return the people that pass a filter, from a given row on.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
    """
    require_server_admin(admin)
    async with database.reading() as connection:
        people = await list_people_in_state(connection, people_filter, first=first)
        return PeopleList(
            people,
            await count_people(connection),
            await memberships.list_projects_of_people(
                connection, [listed.person.id for listed in people.rows]
            ),
        )


async def list_projects_to_join(database: Database, admin: Person) -> list[Project]:
    """Return all projects, by name, for the form that invites a person.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
    """
    require_server_admin(admin)
    async with database.reading() as connection:
        return await memberships.list_projects(connection, admin)
