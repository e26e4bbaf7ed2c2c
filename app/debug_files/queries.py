"""Reads debug files, and finds them by what events say."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, Select, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.lists import TIME_KEY, ListCursor, ListOrder, RowRun, cut_run
from app.db.text import clean
from app.debug_files.model import (
    ArtifactPlace,
    ArtifactUrl,
    DebugFile,
    DebugFileId,
    DebugFileKind,
    DebugFilePart,
    DebugFileReleaseTotal,
    DebugFileRemark,
    DebugFileTotal,
)
from app.debug_files.tables import artifact_urls, debug_files, debug_ids

_MOST_PARTS: Final = 5_000
_MOST_ARTIFACTS: Final = 1_000
_LIKE_ESCAPE: Final = "\\"

NEWEST_DEBUG_FILES: Final = ListOrder[DebugFile](
    "newest",
    lambda columns: (columns.uploaded_at, columns.file_id),
    lambda file: (file.uploaded_at, file.file_id),
    TIME_KEY,
    is_indexed=True,
)
"""The order of a list of debug files."""

# From project to project by the index: a project may have a million addresses.
_PROJECTS_WITH_SCRIPTS: Final = text(
    """
    with recursive p as (
        select min(project_id) as id from artifact_urls
        union all
        select (select min(u.project_id) from artifact_urls u where u.project_id > p.id)
        from p where p.id is not null
    )
    select id from p where id is not null
    """
)


@dataclass(frozen=True, slots=True)
class DebugFileFilters:
    """The filters of a list of debug files; empty ones do not restrict it."""

    kinds: frozenset[DebugFileKind] = frozenset()
    release: str = ""
    text: str = ""
    """A part of the name, or a debug id."""


async def find_parts(
    connection: AsyncConnection, project_id: ProjectId, ids: Collection[str]
) -> dict[str, list[DebugFilePart]]:
    """Find the parts of debug files that have given debug ids, with one statement.

    Args:
        connection: The connection to read with.
        project_id: The project of the event.
        ids: Normalised debug ids.

    Returns:
        The parts of each id that is known, the newest first.
    """
    known = _keep_storable(ids)
    if not known:
        return {}
    rows = await connection.execute(
        select(debug_ids)
        .where(debug_ids.c.project_id == project_id, debug_ids.c.debug_id.in_(known))
        .order_by(debug_ids.c.debug_id, debug_ids.c.added_at.desc(), debug_ids.c.file_id)
        .limit(_MOST_PARTS)
    )
    found: dict[str, list[DebugFilePart]] = defaultdict(list)
    for row in rows:
        found[row.debug_id].append(_make_part(row))
    return dict(found)


async def read_parts(
    connection: AsyncConnection, project_id: ProjectId, file_ids: Sequence[DebugFileId]
) -> dict[DebugFileId, list[DebugFilePart]]:
    """Read the parts of some debug files, in the order in which they were added."""
    rows = await connection.execute(
        select(debug_ids)
        .where(debug_ids.c.project_id == project_id, debug_ids.c.file_id.in_(file_ids))
        .order_by(debug_ids.c.added_at, debug_ids.c.debug_id)
        .limit(_MOST_PARTS)
    )
    parts: dict[DebugFileId, list[DebugFilePart]] = {file_id: [] for file_id in file_ids}
    for row in rows:
        parts[DebugFileId(row.file_id)].append(_make_part(row))
    return parts


async def find_artifacts(
    connection: AsyncConnection,
    project_id: ProjectId,
    release: str,
    dist: str,
    *,
    urls: Collection[str],
) -> list[ArtifactPlace]:
    """Find entries of artifact bundles by the release and the address of a script.

    Args:
        connection: The connection to read with.
        project_id: The project of the event.
        release: The release of the event.
        dist: Its distribution; empty for none. Bundles of the release without one match as well.
        urls: Addresses as manifests have them, such as `~/app.js`.

    Returns:
        Entries with this very distribution first, among them the newest first.
    """
    known = _keep_storable(urls)
    if not known:
        return []
    # As they are stored with events and bundles.
    release, dist = clean(release), clean(dist)
    columns = artifact_urls.c
    rows = await connection.execute(
        select(artifact_urls)
        .where(
            columns.project_id == project_id,
            columns.release == release,
            columns.dist.in_(sorted({dist, ""})),
            columns.url.in_(known),
        )
        .order_by((columns.dist == dist).desc(), columns.added_at.desc(), columns.file_id)
        .limit(_MOST_ARTIFACTS)
    )
    return [
        ArtifactPlace(
            DebugFileId(row.file_id),
            ArtifactUrl(row.release, row.dist, row.url, row.entry),
            row.added_at,
        )
        for row in rows
    ]


async def list_projects_with_scripts(connection: AsyncConnection) -> set[ProjectId]:
    """List the projects that have scripts of releases, which are found without a debug id."""
    rows = await connection.execute(_PROJECTS_WITH_SCRIPTS)
    return {ProjectId(row.id) for row in rows}


async def read_debug_files(
    connection: AsyncConnection, project_id: ProjectId, file_ids: Sequence[DebugFileId]
) -> dict[DebugFileId, DebugFile]:
    """Read some debug files; those that do not exist are left out."""
    rows = await connection.execute(
        select(debug_files).where(
            debug_files.c.project_id == project_id, debug_files.c.file_id.in_(file_ids)
        )
    )
    return {DebugFileId(row.file_id): make_debug_file(row) for row in rows}


async def find_deleted_files(
    connection: AsyncConnection, files: Collection[tuple[ProjectId, DebugFileId]]
) -> set[tuple[ProjectId, DebugFileId]]:
    """Return those of some debug files that do not exist any more."""
    rows = await connection.execute(
        select(debug_files.c.project_id, debug_files.c.file_id).where(
            tuple_(debug_files.c.project_id, debug_files.c.file_id).in_(sorted(files))
        )
    )
    return set(files) - {(ProjectId(row.project_id), DebugFileId(row.file_id)) for row in rows}


async def find_files_by_sha1(
    connection: AsyncConnection, project_id: ProjectId, checksums: Collection[str]
) -> dict[str, list[DebugFile]]:
    """Find the debug files of a project that have given SHA-1s; the same bytes may be two kinds."""
    if not checksums:
        return {}
    rows = await connection.execute(
        select(debug_files)
        .where(debug_files.c.project_id == project_id, debug_files.c.sha1.in_(sorted(checksums)))
        .order_by(debug_files.c.uploaded_at, debug_files.c.file_id)
    )
    files: dict[str, list[DebugFile]] = defaultdict(list)
    for row in rows:
        files[row.sha1].append(make_debug_file(row))
    return dict(files)


async def has_artifacts(
    connection: AsyncConnection, file: DebugFile, *, release: str, dist: str
) -> bool:
    """Tell whether entries of a bundle are known for a release and a distribution."""
    columns = artifact_urls.c
    found = await connection.scalar(
        select(columns.file_id)
        .where(
            columns.project_id == file.project_id,
            columns.file_id == file.file_id,
            columns.release == release,
            columns.dist == dist,
        )
        .limit(1)
    )
    return found is not None


async def list_debug_files(
    connection: AsyncConnection,
    project_id: ProjectId,
    filters: DebugFileFilters,
    cursor: ListCursor | None = None,
    *,
    is_backward: bool = False,
    limit: int = 50,
) -> RowRun[DebugFile]:
    """Read the debug files of a project, the newest first, from a cursor on."""
    columns = debug_files.c
    query = _filter(select(debug_files).where(columns.project_id == project_id), filters)
    order = NEWEST_DEBUG_FILES
    if cursor is not None:
        query = query.where(order.is_past(columns, cursor, is_backward=is_backward))
    rows = await connection.execute(
        order.sort(query, columns, is_backward=is_backward).limit(limit + 1)
    )
    return cut_run([make_debug_file(row) for row in rows], limit)


async def sum_debug_files(
    connection: AsyncConnection, project_ids: Sequence[ProjectId]
) -> list[DebugFileTotal]:
    """Count the debug files of some projects by kind, with the bytes they take in storage."""
    columns = debug_files.c
    rows = await connection.execute(
        select(
            columns.project_id,
            columns.kind,
            func.count().label("files"),
            func.sum(columns.stored_bytes).label("stored_bytes"),
        )
        .where(columns.project_id.in_(project_ids))
        .group_by(columns.project_id, columns.kind)
        .order_by(columns.project_id, columns.kind)
    )
    return [
        DebugFileTotal(
            ProjectId(row.project_id), DebugFileKind(row.kind), row.files, int(row.stored_bytes)
        )
        for row in rows
    ]


async def sum_releases(
    connection: AsyncConnection, project_id: ProjectId, *, limit: int
) -> list[DebugFileReleaseTotal]:
    """Count the debug files of a project by release and kind.

    Args:
        connection: The connection to read with.
        project_id: The project.
        limit: The most releases, of which those with the newest files are taken.

    Returns:
        The release whose newest file is the newest of all first; its kinds by name.
    """
    columns = debug_files.c
    release = func.coalesce(columns.release, columns.used_release)
    totals = (
        select(
            release.label("release"),
            columns.kind,
            func.count().label("files"),
            func.sum(columns.stored_bytes).label("stored_bytes"),
            func.max(columns.uploaded_at).label("uploaded_at"),
            func.max(columns.last_used_day).label("last_used_day"),
        )
        .where(columns.project_id == project_id)
        .group_by(release, columns.kind)
        .subquery()
    )
    newest = func.max(totals.c.uploaded_at).over(partition_by=totals.c.release)
    dated = select(totals, newest.label("newest")).subquery()
    rank = func.dense_rank().over(order_by=(dated.c.newest.desc(), dated.c.release))
    ranked = select(dated, rank.label("rank")).subquery()
    rows = await connection.execute(
        select(ranked).where(ranked.c.rank <= limit).order_by(ranked.c.rank, ranked.c.kind)
    )
    return [
        DebugFileReleaseTotal(
            row.release,
            DebugFileKind(row.kind),
            row.files,
            int(row.stored_bytes),
            row.uploaded_at,
            row.last_used_day,
        )
        for row in rows
    ]


async def count_debug_files(
    connection: AsyncConnection, project_id: ProjectId, filters: DebugFileFilters
) -> int:
    """Count the debug files of a project that pass filters."""
    query = select(func.count()).where(debug_files.c.project_id == project_id)
    return await connection.scalar(_filter(query, filters)) or 0


def make_debug_file(row: Row[Any]) -> DebugFile:
    """Make a debug file from a row of its table."""
    values = dict(row._mapping)  # noqa: SLF001 - the public way to read a row by its columns
    values["kind"] = DebugFileKind(values["kind"])
    values["features"] = tuple(values["features"])
    values["object_names"] = tuple(values["object_names"])
    values["remark"] = DebugFileRemark(values["remark"]) if values["remark"] else None
    return DebugFile(**values)


def _keep_storable(texts: Collection[str]) -> list[str]:
    """Sort texts of events, and leave out those that no row can have, such as one with NUL.

    Postgres refuses them, and with them the look-up of all other events of the batch.
    """
    return sorted({each for each in texts if clean(each) == each})


def _make_part(row: Row[Any]) -> DebugFilePart:
    return DebugFilePart(
        row.debug_id,
        DebugFileId(row.file_id),
        DebugFileKind(row.kind),
        row.object_name,
        row.cpu_name,
        row.code_id,
        tuple(row.features),
        DebugFileRemark(row.remark) if row.remark else None,
        row.added_at,
    )


def _filter(query: Select[Any], filters: DebugFileFilters) -> Select[Any]:
    columns = debug_files.c
    if filters.kinds:
        query = query.where(columns.kind.in_(sorted(filters.kinds)))
    if filters.release:
        query = query.where(func.coalesce(columns.release, columns.used_release) == filters.release)
    if filters.text:
        with_id = select(debug_ids.c.file_id).where(
            debug_ids.c.project_id == columns.project_id,
            debug_ids.c.debug_id == filters.text.strip().lower(),
        )
        query = query.where(
            or_(
                columns.name.icontains(filters.text, autoescape=True, escape=_LIKE_ESCAPE),
                columns.file_id.in_(with_id),
            )
        )
    return query
