"""Reads the page of a project's debug files: what is here, what events miss, what was deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import partial
from typing import Final

from app.accounts import queries as accounts
from app.api_tokens import queries as api_tokens
from app.core import clock
from app.core.ids import PersonId
from app.db.engine import Database
from app.db.lists import ListPage, PageRequest, read_page
from app.debug_files import queries, receipts
from app.debug_files.model import (
    DebugFile,
    DebugFileId,
    DebugFileKind,
    DebugFilePart,
    DebugFileReceipt,
    DebugFileReleaseTotal,
    DebugFileTotal,
)
from app.debug_files.queries import NEWEST_DEBUG_FILES, DebugFileFilters
from app.memberships.model import ProjectAccess
from app.symbolication.missing_counts import MissingFileCounts, count_missing_files

PAGE_FILES: Final = 50
SHOWN_MISSING: Final = 50
SHOWN_RELEASES: Final = 20
SHOWN_RECEIPTS: Final = 20
MISSING_DAYS: Final = 30
"""Days in which events must have missed a file for the page to name it."""


@dataclass(frozen=True, slots=True)
class DebugFileSearch:
    """A search for debug files of a project; empty fields do not restrict it."""

    release: str = ""
    kind: DebugFileKind | None = None
    text: str = ""
    """A part of the name, or a debug id."""
    asked: PageRequest = field(default_factory=PageRequest)

    @property
    def is_limited(self) -> bool:
        """True if it leaves out any file."""
        return bool(self.release or self.kind or self.text)

    @property
    def filters(self) -> DebugFileFilters:
        """The filters of the list."""
        kinds = frozenset({self.kind}) if self.kind else frozenset[DebugFileKind]()
        return DebugFileFilters(kinds, self.release, self.text)


@dataclass(frozen=True, slots=True)
class ProjectDebugFiles:
    """The debug files of a project."""

    files: ListPage[DebugFile]
    matching: int
    """The number of files that the search finds on all pages."""
    parts: Mapping[DebugFileId, Sequence[DebugFilePart]]
    """The parts of the files on this page."""
    token_names: Mapping[int, str]
    totals: Sequence[DebugFileTotal]
    releases: Sequence[DebugFileReleaseTotal]
    missing: MissingFileCounts
    receipts: Sequence[DebugFileReceipt]
    names: Mapping[PersonId, str]
    """The names of the people who deleted files."""


async def read_debug_files(
    database: Database, access: ProjectAccess, search: DebugFileSearch
) -> ProjectDebugFiles:
    """Read the debug files of a project; everybody in the project may see them."""
    project_id = access.project.id
    since = (clock.now().astimezone(UTC) - timedelta(days=MISSING_DAYS)).date()
    async with database.reading() as connection:
        files = await read_page(
            search.asked,
            partial(queries.list_debug_files, connection, project_id, search.filters),
            key_of=NEWEST_DEBUG_FILES.key_of,
            limit=PAGE_FILES,
        )
        shown = [file.file_id for file in files.rows]
        deleted = await receipts.list_receipts(connection, [project_id], limit=SHOWN_RECEIPTS)
        people = {receipt.person_id for receipt in deleted if receipt.person_id is not None}
        return ProjectDebugFiles(
            files=files,
            matching=await queries.count_debug_files(connection, project_id, search.filters),
            parts=await queries.read_parts(connection, project_id, shown) if shown else {},
            token_names=await api_tokens.read_token_names(
                connection, {file.token_id for file in files.rows if file.token_id is not None}
            ),
            totals=await queries.sum_debug_files(connection, [project_id]),
            releases=await queries.sum_releases(connection, project_id, limit=SHOWN_RELEASES),
            missing=await count_missing_files(
                connection, project_id, since=since, limit=SHOWN_MISSING
            ),
            receipts=deleted,
            names=await accounts.read_person_names(connection, sorted(people)),
        )
