"""Values that the page of a project's trackers reads."""

from dataclasses import dataclass

from app.core.ids import ProjectId


@dataclass(frozen=True, slots=True)
class TrackerForm:
    """A tracker in its form, as it is stored or as somebody filled the form in."""

    id: int
    """0 for the form that adds one."""
    kind: str
    name: str
    address: str
    title: str
    body: str
    jira_project: str
    jira_type: str
    save_href: str
    delete_href: str | None
    """None for the form that adds one."""
    problem: str | None = None
    """The mistake to correct."""


@dataclass(frozen=True, slots=True)
class TrackersPage:
    """The trackers of a project, each in a form, and the form that adds one."""

    project_id: ProjectId
    name: str
    kinds: tuple[tuple[str, str], ...]
    """The kinds of trackers with their names."""
    placeholders: tuple[str, ...]
    """The names that templates may have in braces."""
    trackers: tuple[TrackerForm, ...]
    new: TrackerForm | None
    """The form that adds one; None if there are as many as there may be."""
