"""Turns people, as the use cases return them, into the values of their pages."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.accounts.model import PersonOrigin
from app.accounts.people_list import ListedPerson, PeopleFilter, PersonState
from app.accounts.sign_ins import MOST_LISTED
from app.administration.server.people_list import PeopleList
from app.administration.server.person_page import PersonDetails
from app.administration.server.sign_in_links import DAYS, INVITATION_DAYS, RESET_DAYS
from app.memberships.model import Membership, Role
from app.projects.model import Project
from app.web.frame.access import Visitor
from app.web.people.page import (
    FilterOption,
    InvitePage,
    JoinableProject,
    MembershipForm,
    PeoplePage,
    PersonPage,
    PersonRow,
)
from app.web.urls import project_urls, server_urls
from app.web.words.parts import describe_slice
from app.web.words.people.roles import SERVER_ADMIN, describe_roles
from app.web.words.people.sign_in_rows import sign_in_rows

ADMINS: Final = "admins"
_MOST_PROJECTS: Final = 2
"""The projects of a person that the list names."""
_LABELS: Final = {
    PersonState.ACTIVE: "Active",
    PersonState.INVITED: "Invited",
    PersonState.DEACTIVATED: "Deactivated",
}


def read_filter(search: str, show: str) -> PeopleFilter:
    """Return the filter that an address asks for; an unknown one leaves nobody out."""
    state = PersonState(show) if show in set(PersonState) else None
    return PeopleFilter(search=search, state=state, is_admin=show == ADMINS)


def build_people_page(people_list: PeopleList, people_filter: PeopleFilter) -> PeoplePage:
    """Build the list of people."""
    show = ADMINS if people_filter.is_admin else people_filter.state or ""
    return PeoplePage(
        people=tuple(
            _build_row(listed, people_list.memberships.get(listed.person.id, ()))
            for listed in people_list.people.rows
        ),
        filters=_build_filters(people_list.counts, people_filter.search, show),
        search=people_filter.search,
        show=show,
        part=describe_slice(
            "account",
            people_list.people,
            href=lambda first: server_urls.people(
                search=people_filter.search, show=show, first=first
            ),
        ),
    )


def build_invite_page(
    projects: Sequence[Project], fields: Mapping[str, str], *, problem: str | None = None
) -> InvitePage:
    """Build the form that adds a person.

    Args:
        projects: All projects, by name.
        fields: The typed values, shown again if there is a problem.
        problem: The mistake to correct, if any.
    """
    role = fields.get("role", "")
    chosen = fields.get("project", str(projects[0].id) if len(projects) == 1 else "")
    return InvitePage(
        projects=tuple(
            JoinableProject(project.id, project.name, is_selected=str(project.id) == chosen)
            for project in projects
        ),
        roles=describe_roles(Role, selected=Role(role) if role in set(Role) else Role.VIEWER),
        days=DAYS,
        chosen_days=read_days(fields.get("days", ""), INVITATION_DAYS),
        server_admin_words=SERVER_ADMIN,
        email=fields.get("email", "")[:300],
        name=fields.get("name", "")[:300],
        is_admin=fields.get("admin") == "yes",
        problem=problem,
    )


def build_person_page(
    details: PersonDetails,
    visitor: Visitor,
    *,
    do_groups_decide: bool,
    problem: str | None = None,
) -> PersonPage:
    """Build the page of a person.

    Args:
        details: The person.
        visitor: The person who looks at the page.
        do_groups_decide: True if groups of a sign-in provider say which of its people are admins.
        problem: The reason why something cannot be done, if any.
    """
    person = details.listed.person
    is_from_provider = person.origin is PersonOrigin.PROVIDER
    has_come = person.last_sign_in_at is not None
    return PersonPage(
        name=person.name,
        email=person.email,
        state=details.listed.state,
        is_admin=person.is_admin,
        is_from_provider=is_from_provider,
        do_groups_decide=is_from_provider and do_groups_decide,
        is_self=person.id == visitor.person.id,
        has_password=person.has_password,
        created_at=person.created_at,
        last_sign_in_at=person.last_sign_in_at,
        link_expires_at=details.listed.link_expires_at,
        days=DAYS,
        chosen_days=RESET_DAYS if has_come else INVITATION_DAYS,
        server_admin_words=SERVER_ADMIN,
        memberships=tuple(_build_membership(membership) for membership in details.memberships),
        other_projects=tuple(
            JoinableProject(project.id, project.name) for project in details.other_projects
        ),
        roles=describe_roles(Role),
        sign_ins=sign_in_rows(
            details.sign_ins,
            this_handle=visitor.sign_in.handle,
            end_href=lambda handle: server_urls.end_sign_in(person.id, handle),
        ),
        is_sign_in_list_full=len(details.sign_ins) >= MOST_LISTED,
        link_href=server_urls.make_link(person.id),
        withdraw_href=server_urls.withdraw_link(person.id),
        deactivate_href=server_urls.deactivate(person.id),
        reactivate_href=server_urls.reactivate(person.id),
        admin_href=server_urls.set_admin(person.id),
        role_href=server_urls.set_role(person.id),
        end_all_href=server_urls.end_sign_ins(person.id),
        problem=problem,
    )


def read_days(typed: str, default: int) -> int:
    """Return the days that a form names, or `default` if they are none of `DAYS`."""
    return int(typed) if typed in map(str, DAYS) else default


def _build_filters(
    counts: Mapping[PersonState, int], search: str, show: str
) -> tuple[FilterOption, ...]:
    everybody = sum(counts.values())
    options = [("", f"All ({everybody:,})")]
    options += [
        (state.value, f"{label} ({counts.get(state, 0):,})") for state, label in _LABELS.items()
    ]
    options.append((ADMINS, "Server admins"))
    return tuple(
        FilterOption(name, label, server_urls.people(search=search, show=name), name == show)
        for name, label in options
    )


def _build_row(listed: ListedPerson, memberships: Sequence[Membership]) -> PersonRow:
    person = listed.person
    return PersonRow(
        name=person.name,
        email=person.email,
        href=server_urls.person(person.id),
        state=listed.state,
        is_admin=person.is_admin,
        is_from_provider=person.origin is PersonOrigin.PROVIDER,
        projects=tuple(
            f"{membership.project_name} ({membership.role})"
            for membership in memberships[:_MOST_PROJECTS]
        ),
        more_projects=max(0, len(memberships) - _MOST_PROJECTS),
        last_sign_in_at=person.last_sign_in_at,
        link_expires_at=listed.link_expires_at,
    )


def _build_membership(membership: Membership) -> MembershipForm:
    return MembershipForm(
        membership.project_id,
        membership.project_name,
        project_urls.project(membership.project_id),
        membership.role,
    )
