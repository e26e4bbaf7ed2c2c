"""Turns what the use cases of projects return into the values of their pages."""

from collections.abc import Sequence

from app.accounts.model import Person
from app.administration.projects.project_list import ListedProject, ProjectList
from app.administration.projects.project_overview import (
    OUTCOME_DAYS,
    PART_KEYS,
    PART_MEMBERS,
    PART_QUARANTINED,
    OverviewParts,
    ProjectOverview,
)
from app.memberships.model import ProjectAccess, Role
from app.projects.model import ProjectKey, QuarantinedEnvelope
from app.projects.retention_rules import AtLimit
from app.web.frame.dsn import write_active_dsn, write_dsn
from app.web.frame.services import PageServices
from app.web.project.build_masks import build_mask_summary
from app.web.project.page import (
    KeyRow,
    MemberRow,
    ProjectCard,
    ProjectPage,
    ProjectsPage,
    QuarantineRow,
    Storage,
)
from app.web.urls import list_urls, project_urls
from app.web.words.outcomes import summarize_outcomes
from app.web.words.parts import describe_rows
from app.web.words.privacy.retention import describe_rules

PART_PROJECTS = 100
"""Projects on one page of the list."""


def build_projects_page(
    services: PageServices, person: Person, project_list: ProjectList, *, first: int
) -> ProjectsPage:
    """Build the list of projects from the number `first` on."""
    return ProjectsPage(
        projects=tuple(_build_card(services, listed) for listed in project_list.projects),
        invitations=project_list.invitations,
        may_create=person.is_admin,
        part=describe_rows(
            "project",
            first=first,
            total=project_list.total,
            size=PART_PROJECTS,
            href=lambda following: project_urls.projects(first=following),
        ),
    )


def build_project_page(
    services: PageServices,
    access: ProjectAccess,
    overview: ProjectOverview,
    parts: OverviewParts,
) -> ProjectPage:
    """Build the page of one project.

    Args:
        services: Has the address that SDKs use.
        access: The project, and the role of whoever looks at it.
        overview: The values that the page shows.
        parts: Number of rows to skip in each list.
    """
    project = access.project
    return ProjectPage(
        project_id=project.id,
        name=project.name,
        slug=project.slug,
        replays_href=list_urls.replays(project.id),
        dsn=write_active_dsn(services, overview.active_key),
        keys=tuple(_build_key_row(services, key) for key in overview.keys),
        keys_part=describe_rows(
            "key",
            first=parts.keys,
            total=overview.key_total,
            size=PART_KEYS,
            href=lambda first: project_urls.key_list(project.id, first=first),
        ),
        outcomes=summarize_outcomes(overview.outcomes),
        outcome_days=OUTCOME_DAYS,
        quarantined=overview.quarantined_total,
        quarantine=_build_quarantine_rows(overview.quarantined),
        quarantine_part=describe_rows(
            "envelope",
            first=parts.quarantined,
            total=overview.quarantined_total,
            size=PART_QUARANTINED,
            href=lambda first: project_urls.quarantine(project.id, first=first),
        ),
        members=tuple(
            MemberRow(member.person.name, member.person.email, member.role)
            for member in overview.members
        ),
        members_part=describe_rows(
            "member",
            first=parts.members,
            total=overview.member_total,
            size=PART_MEMBERS,
            href=lambda first: project_urls.member_list(project.id, first=first),
        ),
        has_replays=overview.has_replays,
        masks=build_mask_summary(project.id, overview.masks),
        storage=Storage(
            video_bytes=overview.storage.video_bytes,
            file_bytes=overview.storage.file_bytes,
            limit_bytes=project.stored_bytes_limit,
            deletes_oldest=overview.rules.at_limit is AtLimit.DELETE_OLDEST,
            words=describe_rules(overview.rules, overview.server_rules),
            retention_href=project_urls.retention(project.id),
            may_change=access.role.includes(Role.ADMIN),
        ),
        may_change=access.role.includes(Role.ADMIN),
    )


def _build_card(services: PageServices, listed: ListedProject) -> ProjectCard:
    project, totals = listed.project, listed.totals
    return ProjectCard(
        project_id=project.id,
        name=project.name,
        href=project_urls.project(project.id),
        replays_href=list_urls.replays(project.id),
        dsn=write_active_dsn(services, listed.active_key),
        replays=totals.replays if totals else 0,
        last_received_at=totals.last_received_at if totals else None,
        role=listed.role or "server admin",
        retention_href=project_urls.retention(project.id),
    )


def _build_quarantine_rows(quarantined: Sequence[QuarantinedEnvelope]) -> tuple[QuarantineRow, ...]:
    return tuple(
        QuarantineRow(
            received_at=envelope.received_at,
            item_types=", ".join(envelope.item_types),
            reason=envelope.reason,
            body_bytes=envelope.body_bytes,
            href=project_urls.quarantined(envelope.project_id, envelope.id),
        )
        for envelope in quarantined
    )


def _build_key_row(services: PageServices, key: ProjectKey) -> KeyRow:
    dsn = write_dsn(services, key)
    return KeyRow(
        key.public_key,
        key.label,
        dsn,
        key.is_active,
        key.created_at,
        key.last_used_at,
        key.has_been_used,
    )
