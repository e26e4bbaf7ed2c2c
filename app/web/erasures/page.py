"""Values that the templates of erasures read."""

from dataclasses import dataclass, field
from datetime import datetime

from app.core.ids import ProjectId
from app.web.words.parts import ListPart


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """A row of the list of erasures."""

    href: str
    what: str
    """`A person, by user id and e-mail address`."""
    project: str
    at: datetime
    by: str
    state: str
    tone: str | None


@dataclass(frozen=True, slots=True)
class ErasuresPage:
    """The list of erasures; for one project also the forms."""

    rows: tuple[ErasureRow, ...]
    older_href: str | None
    project_id: ProjectId | None = None
    """The project whose page it is; None for the list of all."""
    project_name: str = ""
    other_projects: int = 0
    may_delete_project: bool = False
    kinds: tuple[tuple[str, str], ...] = ()
    """Kinds of names of people: the value in the form, and its words."""
    typed_kind: str = "id"
    typed_name: str = ""
    since: str = ""
    until: str = ""
    problem: str | None = None
    problem_part: str = ""
    """The form that the problem is about: `person` or `range`."""


@dataclass(frozen=True, slots=True)
class NameChoice:
    """A name of a person, to be chosen."""

    value: str
    """`email:ada@example.org`, as the form sends it."""
    kind: str
    name: str
    is_chosen: bool
    is_shared: bool
    is_telling: bool
    """True if it is looked for in every text, or in fields that name a user only."""


@dataclass(frozen=True, slots=True)
class PersonQuestionPage:
    """The question before a person is erased."""

    project_id: ProjectId
    project_name: str
    title: str
    names: tuple[NameChoice, ...]
    counts: tuple[str, ...]
    is_complete: bool
    held: int
    projects: int
    in_all: bool


@dataclass(frozen=True, slots=True)
class RangeQuestionPage:
    """The question before a range of time is erased."""

    project_id: ProjectId
    project_name: str
    since: datetime
    until: datetime
    kinds: tuple[str, ...]
    kind_words: str
    counts: tuple[str, ...]
    held: int


@dataclass(frozen=True, slots=True)
class ProjectQuestionPage:
    """The question before a whole project is erased."""

    project_id: ProjectId
    project_name: str
    counts: tuple[str, ...]
    held: int
    members: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class MatchingQuestionPage:
    """The question before all matching replays are deleted."""

    replays: int
    most: int
    is_more: bool
    video_bytes: int
    segments: int
    held: int
    query_text: str
    project: str
    until: str
    back_href: str


@dataclass(frozen=True, slots=True)
class KeptByHoldRow:
    """A replay that a legal hold keeps, or kept."""

    replay_id: str
    name: str
    reason: str
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnreachableRow:
    """A host whose journal an erasure does not cover."""

    name: str
    seen_at: datetime
    waiting: int
    """Envelopes that waited in its journal when it was heard of last."""


@dataclass(frozen=True, slots=True)
class SiblingRow:
    """Another erasure of the same act, in another project."""

    href: str
    project: str
    state: str


@dataclass(frozen=True, slots=True)
class ErasurePage:
    """An erasure: its progress, and its receipt once it has finished."""

    id: int
    what: str
    project: str
    state: str
    state_text: str
    tone: str | None
    is_over: bool
    problem: str | None
    requested_at: datetime
    by: str
    covers_until: datetime | None
    verified_at: datetime | None
    counts: tuple[str, ...]
    size_bytes: int
    steps: tuple[tuple[str, str], ...]
    """The steps in words, each with its state: done, now, later."""
    receipt_href: str
    unreachable: tuple[UnreachableRow, ...] = ()
    holds: tuple[KeptByHoldRow, ...] = ()
    holds_part: ListPart | None = None
    siblings: tuple[SiblingRow, ...] = field(default_factory=tuple)
