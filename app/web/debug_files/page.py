"""Values that the templates of a project's debug files read."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId
from app.web.words.debug_files.hints import DebugFileHint


@dataclass(frozen=True, slots=True)
class MissingFileRow:
    """A file that events miss, or that did not help them."""

    hint: DebugFileHint
    events: int
    last_at: datetime
    event_href: str
    """Leads to the newest of these events."""


@dataclass(frozen=True, slots=True)
class ReleaseFilesRow:
    """The files of a release."""

    release: str | None
    """None for files of which no release is known."""
    href: str | None
    """Shows only these files in the list below."""
    kinds: tuple[tuple[str, int], ...]
    """Words for each kind, and how many files there are of it."""
    stored_bytes: int
    uploaded_at: datetime
    last_used_day: str | None


@dataclass(frozen=True, slots=True)
class DebugFileRow:
    """A file in the list."""

    file_id: str
    name: str
    kind: str
    debug_ids: tuple[str, ...]
    """The first of its debug ids."""
    more_ids: int
    release: str | None
    dist: str | None
    cpu_name: str | None
    """None for a file that is the same for all processors."""
    gives: tuple[str, ...]
    """What the file adds to a stack: `functions`, `lines`."""
    remark: str | None
    """The parts that it lacks, in words."""
    size_bytes: int
    uploaded_at: datetime
    uploaded_by: str
    last_used_day: str | None
    """None if no event has used it."""


@dataclass(frozen=True, slots=True)
class DeletedFileRow:
    """A file that was deleted."""

    name: str
    kind: str
    debug_id: str | None
    release: str | None
    cause: str
    person: str | None
    """Who deleted it; None for a rule."""
    stored_bytes: int
    deleted_at: datetime
    is_swept: bool
    """True if nothing of it is left in storage."""


@dataclass(frozen=True, slots=True)
class DebugFileFilterForm:
    """The filters above the list, as they are chosen."""

    release: str = ""
    kind: str = ""
    text: str = ""

    @property
    def is_set(self) -> bool:
        """True if any filter is chosen."""
        return bool(self.release or self.kind or self.text)


@dataclass(frozen=True, slots=True)
class DebugFilesPage:
    """The debug files of a project."""

    project_id: ProjectId
    name: str
    may_upload: bool
    may_delete: bool
    set_up_href: str
    total: int
    stored_bytes: int
    limit_bytes: int | None
    """The most bytes that the files may take; None for no limit."""
    missing: tuple[MissingFileRow, ...]
    more_missing: int
    missing_days: int
    releases: tuple[ReleaseFilesRow, ...]
    files: tuple[DebugFileRow, ...]
    matching: int
    form: DebugFileFilterForm
    kinds: tuple[tuple[str, str], ...]
    """The kinds to choose from: value and words."""
    back_href: str | None
    next_href: str | None
    deleted: tuple[DeletedFileRow, ...]
    problems: tuple[str, ...] = ()
    """Sentences that say why files of an upload by hand were not taken."""


@dataclass(frozen=True, slots=True)
class DeleteDebugFilesPage:
    """The question before debug files are deleted."""

    project_id: ProjectId
    name: str
    total: int
    files: tuple[DebugFileRow, ...]
    """The first of them."""
    file_ids: tuple[str, ...]
    """The files that are named; empty for all that the filters let through."""
    form: DebugFileFilterForm
    back_href: str
