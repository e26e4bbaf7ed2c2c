"""Turns the trackers of a project into the values of their page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.administration.projects.project_trackers import TRACKER_NAMES
from app.core.ids import ProjectId
from app.memberships.model import ProjectAccess
from app.projects.trackers import MOST_TRACKERS, Tracker, TrackerKind
from app.reports.tickets.templates import DEFAULT_BODY, DEFAULT_TITLE, PLACEHOLDERS
from app.web.settings.trackers.page import TrackerForm, TrackersPage
from app.web.urls import project_urls

NEW: int = 0
"""The id of the form that adds a tracker."""


def build_trackers_page(
    access: ProjectAccess,
    trackers: Sequence[Tracker],
    *,
    refused_id: int = NEW,
    fields: Mapping[str, str] | None = None,
    problem: str | None = None,
) -> TrackersPage:
    """Build the page of a project's trackers.

    Args:
        access: The project.
        trackers: Its trackers.
        refused_id: The tracker whose form was refused.
        fields: That form as it was sent; None if no form was refused.
        problem: The mistake to correct in it, if any.
    """
    project = access.project
    forms = [_build_form(project.id, tracker) for tracker in trackers]
    new = None
    if len(trackers) < MOST_TRACKERS:
        new = TrackerForm(
            NEW, TrackerKind.GITHUB.value, "", "", DEFAULT_TITLE, DEFAULT_BODY, "", "",
            project_urls.trackers(project.id), None,
        )  # fmt: skip
    if fields is not None:
        forms = [
            _fill_form(form, fields, problem) if form.id == refused_id else form for form in forms
        ]
        if new is not None and refused_id == NEW:
            new = _fill_form(new, fields, problem)
    return TrackersPage(
        project_id=project.id,
        name=project.name,
        kinds=tuple((kind.value, name) for kind, name in TRACKER_NAMES.items()),
        placeholders=PLACEHOLDERS,
        trackers=tuple(forms),
        new=new,
    )


def _build_form(project_id: ProjectId, tracker: Tracker) -> TrackerForm:
    settings = tracker.settings
    return TrackerForm(
        id=tracker.id,
        kind=settings.kind.value,
        name=settings.name,
        address=settings.address,
        title=settings.title_template,
        body=settings.body_template,
        jira_project=settings.jira_project,
        jira_type=settings.jira_type,
        save_href=project_urls.change_tracker(project_id, tracker.id),
        delete_href=project_urls.delete_tracker(project_id, tracker.id),
    )


def _fill_form(form: TrackerForm, fields: Mapping[str, str], problem: str | None) -> TrackerForm:
    """Show a form as it was sent, so that nobody types it again."""
    return replace(
        form,
        kind=fields.get("kind", form.kind),
        name=fields.get("name", ""),
        address=fields.get("address", ""),
        title=fields.get("title", ""),
        body=fields.get("body", ""),
        jira_project=fields.get("jira_project", ""),
        jira_type=fields.get("jira_type", ""),
        problem=problem,
    )
