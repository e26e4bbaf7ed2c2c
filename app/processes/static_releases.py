"""Keeps the static files of the last releases in the database, so every process can serve them.

While a release rolls out, a page of a new process may ask an old one for its style sheet, and a
page that was opened before asks a new process for a script of the old release. The address of a
static file begins with a name that stands for all static files of its release. A process that is
asked for another name than its own finds exactly the files for which the page was made here.

    start ─► publish_own_release: a row for each release, its files as an archive; the newest 4 stay
"""

import asyncio
import functools
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.core import log, shipped
from app.db.engine import Database
from app.processes.tables import static_releases

_KEPT_RELEASES: Final = 4
_MOST_IN_MEMORY: Final = 2
"""Other releases whose files are kept in memory, some 0.5 MB each."""
_COMPRESSION: Final = 1
"""The zlib level: the files are small, and the first start on a database waits for them."""

_logger: Final = log.get_logger("processes.static_releases")


class StaticRelease:
    """The static files of one release, by their paths."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """Keep the files, and compute the name of the release from their content."""
        self._files = files
        digest = hashlib.sha256()
        for path in sorted(files):
            digest.update(files[path])
        self.name: Final = digest.hexdigest()[:12]

    @classmethod
    def read_folder(cls, folder: Path) -> "StaticRelease":
        """Read all files below a folder."""
        return cls(
            {
                path.relative_to(folder).as_posix(): path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file()
            }
        )

    def read_file(self, path: str) -> bytes | None:
        """Return a file, or None if this release has no such file."""
        return self._files.get(path)

    def pack(self) -> bytes:
        """Return all files as one archive."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(
            buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION
        ) as zipped:
            for path, content in self._files.items():
                zipped.writestr(path, content)
        return buffer.getvalue()

    @classmethod
    def unpack(cls, archive: bytes) -> "StaticRelease":
        """Read an archive that `pack` has made."""
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            return cls({path: zipped.read(path) for path in zipped.namelist()})


class StaticReleases:
    """Finds the static files of other releases than this process's own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found: dict[str, StaticRelease] = {}
        self._looking = asyncio.Lock()

    async def find_release(self, name: str) -> StaticRelease | None:
        """Return a release by its name, or None if none of the kept ones has it.

        Raises:
            DatabaseUnavailable: Postgres does not answer.
        """
        release = self._found.get(name)
        if release is not None:
            return release
        # One query at a time: strangers who guess names use no more than one connection.
        async with self._looking:
            if name not in self._found:
                release = await self._load_release(name)
                if release is None:
                    return None
                if len(self._found) >= _MOST_IN_MEMORY:
                    del self._found[next(iter(self._found))]
                self._found[name] = release
        return self._found.get(name)

    async def _load_release(self, name: str) -> StaticRelease | None:
        query = select(static_releases.c.archive).where(static_releases.c.name == name)
        async with self._database.reading() as connection:
            archive = (await connection.execute(query)).scalar()
        if archive is None:
            return None
        release = await asyncio.to_thread(StaticRelease.unpack, archive)
        if release.name != name:
            _logger.error("the static files of a release are not what its name says", name=name)
            return None
        return release


@functools.cache
def name_own_release() -> str:
    """Return the name of this release's static files."""
    return StaticRelease.read_folder(shipped.STATIC).name


async def publish_own_release(database: Database) -> None:
    """Store the static files of this release for other processes, and delete those of old ones."""
    table = static_releases
    async with database.transaction() as connection:
        known = await connection.execute(
            table.update().where(table.c.name == name_own_release()).values(started_at=func.now())
        )
        if known.rowcount:
            return
        release = await asyncio.to_thread(StaticRelease.read_folder, shipped.STATIC)
        archive = await asyncio.to_thread(release.pack)
        await connection.execute(
            insert(table).values(name=release.name, archive=archive).on_conflict_do_nothing()
        )
        newest = select(table.c.name).order_by(table.c.started_at.desc()).limit(_KEPT_RELEASES)
        await connection.execute(table.delete().where(table.c.name.not_in(newest)))
