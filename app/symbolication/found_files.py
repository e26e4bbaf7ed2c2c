"""Looks up the debug files of many events at once, and opens them for families.

debug ids and addresses of drafts ─► a statement a project ─► FoundFiles ─► cache, or the store
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, override

from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.debug_files import queries
from app.debug_files.model import ArtifactPlace, DebugFileId, DebugFileKind, DebugFilePart
from app.symbolication.cache import CacheKey, DebugFileCache
from app.symbolication.family import EventFiles, FileNotAtHand, LocalFile

_WAIT_S: Final = 0.03
"""The seconds for which digest waits for a file that is not on this machine yet."""
_MOST_LATE: Final = 3
"""Files that digest waits for in vain in one batch; it fetches no others then."""


@dataclass(frozen=True, slots=True)
class SymbolFilesQuery:
    """A query for the debug files that an event may need."""

    project_id: ProjectId
    debug_ids: frozenset[str]
    """Normalised debug ids."""
    release: str = ""
    dist: str = ""
    urls: frozenset[str] = frozenset()
    """Addresses of scripts of the release, as manifests have them."""

    @property
    def is_empty(self) -> bool:
        """True if the event needs no debug file at all."""
        return not self.debug_ids and not (self.urls and self.release)


@dataclass(frozen=True, slots=True)
class SymbolFiles:
    """The debug files of a project that were found for one event."""

    parts: Mapping[str, Sequence[DebugFilePart]] = field(default_factory=dict)
    """The files by debug id, the newest first."""
    artifacts: Mapping[str, Sequence[ArtifactPlace]] = field(default_factory=dict)
    """Entries of bundles by address, the best first."""


@dataclass(slots=True)
class FileOpener:
    """Opens the objects of a batch of events from the cache, or fetches them from the store."""

    cache: DebugFileCache
    is_patient: bool
    """True to wait for the store as long as it takes. If not, a small file of a quick store
    comes in time for its first event, and others go on coming for later events."""
    _late: set[CacheKey] = field(default_factory=set)

    async def open_file(self, key: CacheKey) -> LocalFile | None:
        """Open an object; None if it is not stored any more.

        Raises:
            FileNotAtHand: It does not come in time.
            ServiceUnavailable: The store does not answer.
        """
        if self.is_patient:
            return await self.cache.fetch(key)
        file = self.cache.find(key)
        if file is not None:
            return file
        if key in self._late or len(self._late) >= _MOST_LATE:
            raise FileNotAtHand
        try:
            # Cancelling the wait does not cancel the fetch.
            return await asyncio.wait_for(self.cache.fetch(key), _WAIT_S)
        except (TimeoutError, ServiceUnavailable):
            self._late.add(key)
            raise FileNotAtHand from None


@dataclass(frozen=True, slots=True)
class FoundFiles(EventFiles):
    """The debug files of one event, opened from the cache or fetched from the store."""

    # A field of its own: the property of the interface would be taken for its default.
    project_id: ProjectId = field()
    answer: SymbolFiles
    opener: FileOpener

    @property
    @override
    def is_fetching(self) -> bool:
        return self.opener.is_patient

    @override
    def find_parts(self, debug_id: str, *kinds: DebugFileKind) -> list[DebugFilePart]:
        return [
            part for part in self.answer.parts.get(debug_id, ()) if not kinds or part.kind in kinds
        ]

    @override
    def find_artifacts(self, url: str) -> list[ArtifactPlace]:
        return [*self.answer.artifacts.get(url, ())]

    @override
    async def open_part(self, part: DebugFilePart) -> LocalFile | None:
        return await self.open_object(part.file_id, part.object_name)

    @override
    async def open_object(self, file_id: DebugFileId, object_name: str) -> LocalFile | None:
        return await self.opener.open_file(CacheKey(self.project_id, file_id, object_name))


async def find_files(
    database: Database, questions: Sequence[SymbolFilesQuery]
) -> list[SymbolFiles]:
    """Look up the files of some events, with a statement for the ids of each project.

    Returns:
        An answer for each question, in the order given.

    Raises:
        ServiceUnavailable: Postgres does not answer.
    """
    ids: defaultdict[ProjectId, set[str]] = defaultdict(set)
    urls: defaultdict[tuple[ProjectId, str, str], set[str]] = defaultdict(set)
    for question in questions:
        if question.debug_ids:
            ids[question.project_id] |= question.debug_ids
        if question.urls and question.release:
            urls[question.project_id, question.release, question.dist] |= question.urls
    if not ids and not urls:
        return [SymbolFiles() for _ in questions]
    parts: dict[ProjectId, dict[str, list[DebugFilePart]]] = {}
    places: dict[tuple[ProjectId, str, str], dict[str, list[ArtifactPlace]]] = {}
    async with database.reading() as connection:
        for project_id, wanted in ids.items():
            parts[project_id] = await queries.find_parts(connection, project_id, wanted)
        for (project_id, release, dist), wanted in urls.items():
            places[project_id, release, dist] = _by_url(
                await queries.find_artifacts(connection, project_id, release, dist, urls=wanted)
            )
    return [
        SymbolFiles(
            _pick_wanted(parts.get(question.project_id, {}), question.debug_ids),
            places.get((question.project_id, question.release, question.dist), {}),
        )
        for question in questions
    ]


def _pick_wanted[Value](found: Mapping[str, Value], wanted: frozenset[str]) -> dict[str, Value]:
    return {name: found[name] for name in wanted if name in found}


def _by_url(places: Sequence[ArtifactPlace]) -> dict[str, list[ArtifactPlace]]:
    by_url: defaultdict[str, list[ArtifactPlace]] = defaultdict(list)
    for place in places:
        by_url[place.artifact.url].append(place)
    return dict(by_url)
