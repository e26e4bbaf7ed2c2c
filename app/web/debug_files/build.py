"""Turns the debug files of a project into the values of their page."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Final

from app.administration.debug_files.delete_debug_files import DebugFileDeletion
from app.administration.debug_files.read_debug_files import (
    MISSING_DAYS,
    DebugFileSearch,
    ProjectDebugFiles,
)
from app.core.ids import PersonId, ProjectId
from app.db.lists import ListCursor
from app.debug_files.model import (
    ANY_CPU,
    UNKNOWN_CPU,
    DebugFile,
    DebugFilePart,
    DebugFileReceipt,
    DebugFileReleaseTotal,
)
from app.memberships.model import ProjectAccess, Role
from app.symbolication.missing_counts import MissingFileCount
from app.web.debug_files.page import (
    DebugFileFilterForm,
    DebugFileRow,
    DebugFilesPage,
    DeleteDebugFilesPage,
    DeletedFileRow,
    MissingFileRow,
    ReleaseFilesRow,
)
from app.web.frame import cursors
from app.web.urls import issue_urls, project_urls
from app.web.words.debug_files.hints import build_debug_file_hint
from app.web.words.debug_files.names import (
    CAUSE_WORDS,
    KIND_WORDS,
    REMARK_WORDS,
    list_feature_words,
)
from app.web.words.privacy import retention

_SHOWN_IDS: Final = 3
_GONE: Final = "somebody who has left"


def build_debug_files_page(
    access: ProjectAccess,
    data: ProjectDebugFiles,
    search: DebugFileSearch,
    *,
    limit_bytes: int | None = None,
    problems: Sequence[str] = (),
) -> DebugFilesPage:
    """Build the page of a project's debug files.

    Args:
        access: The project, and the role of whoever looks at it.
        data: The values that the use case has read.
        search: The filters that are chosen above the list.
        limit_bytes: The most bytes of debug files that a project may store.
        problems: Sentences that say why files of an upload by hand were not taken.
    """
    project_id = access.project.id
    form = _write_form(search)
    return DebugFilesPage(
        project_id=project_id,
        name=access.project.name,
        may_upload=access.role.includes(Role.MEMBER),
        may_delete=access.role.includes(Role.ADMIN),
        set_up_href=project_urls.upload_set_up(project_id),
        total=sum(total.files for total in data.totals),
        stored_bytes=sum(total.stored_bytes for total in data.totals),
        limit_bytes=limit_bytes,
        missing=tuple(_build_missing_row(project_id, count) for count in data.missing.rows),
        more_missing=data.missing.total - len(data.missing.rows),
        missing_days=MISSING_DAYS,
        releases=_build_release_rows(project_id, data.releases),
        files=tuple(
            _build_file_row(file, data.parts.get(file.file_id, ()), data.token_names)
            for file in data.files.rows
        ),
        matching=data.matching,
        form=form,
        kinds=tuple((kind.value, words) for kind, words in KIND_WORDS.items()),
        back_href=_page_href(project_id, form, before=data.files.back),
        next_href=_page_href(project_id, form, after=data.files.next),
        deleted=tuple(_build_deleted_row(receipt, data.names) for receipt in data.receipts),
        problems=tuple(problems),
    )


def build_deletion_page(
    access: ProjectAccess, deletion: DebugFileDeletion, search: DebugFileSearch
) -> DeleteDebugFilesPage:
    """Build the question before debug files are deleted."""
    form = _write_form(search)
    return DeleteDebugFilesPage(
        project_id=access.project.id,
        name=access.project.name,
        total=deletion.total,
        files=tuple(_build_file_row(file, (), {}) for file in deletion.files),
        file_ids=tuple(deletion.file_ids),
        form=form,
        back_href=project_urls.debug_files(
            access.project.id, release=form.release, kind=form.kind, text=form.text
        ),
    )


def _write_form(search: DebugFileSearch) -> DebugFileFilterForm:
    return DebugFileFilterForm(search.release, search.kind or "", search.text)


def _page_href(
    project_id: ProjectId,
    form: DebugFileFilterForm,
    *,
    after: ListCursor | None = None,
    before: ListCursor | None = None,
) -> str | None:
    if after is None and before is None:
        return None
    href = project_urls.debug_files(
        project_id,
        release=form.release,
        kind=form.kind,
        text=form.text,
        after=cursors.write_cursor(after) if after else "",
        before=cursors.write_cursor(before) if before else "",
    )
    return f"{href}#files"


def _build_missing_row(project_id: ProjectId, count: MissingFileCount) -> MissingFileRow:
    return MissingFileRow(
        build_debug_file_hint(count.file, is_of_one_event=False),
        count.events,
        count.last_at,
        issue_urls.event(project_id, count.event_id),
    )


def _build_release_rows(
    project_id: ProjectId, totals: Sequence[DebugFileReleaseTotal]
) -> tuple[ReleaseFilesRow, ...]:
    rows = []
    order = list(KIND_WORDS)
    for release, group in groupby(totals, key=lambda total: total.release):
        kinds = sorted(group, key=lambda total: order.index(total.kind))
        used = [total.last_used_day for total in kinds if total.last_used_day]
        href = f"{project_urls.debug_files(project_id, release=release)}#files" if release else None
        rows.append(
            ReleaseFilesRow(
                release,
                href,
                tuple((KIND_WORDS[total.kind], total.files) for total in kinds),
                sum(total.stored_bytes for total in kinds),
                max(total.uploaded_at for total in kinds),
                _describe_day(max(used, default=None)),
            )
        )
    return tuple(rows)


def _build_file_row(
    file: DebugFile, parts: Sequence[DebugFilePart], token_names: Mapping[int, str]
) -> DebugFileRow:
    debug_ids = tuple(dict.fromkeys(part.debug_id for part in parts))
    uploaded_by = "by hand"
    if file.token_id is not None:
        name = token_names.get(file.token_id)
        uploaded_by = f"with the token {name}" if name else "with a token"
    return DebugFileRow(
        file_id=file.file_id,
        name=file.name,
        kind=KIND_WORDS[file.kind],
        debug_ids=debug_ids[:_SHOWN_IDS],
        more_ids=max(0, len(debug_ids) - _SHOWN_IDS),
        release=file.any_release,
        dist=file.dist,
        cpu_name=None if file.cpu_name in (ANY_CPU, UNKNOWN_CPU) else file.cpu_name,
        gives=list_feature_words(file.kind, file.features),
        remark=REMARK_WORDS[file.remark] if file.remark else None,
        size_bytes=file.size_bytes,
        uploaded_at=file.uploaded_at,
        uploaded_by=uploaded_by,
        last_used_day=_describe_day(file.last_used_day),
    )


def _build_deleted_row(receipt: DebugFileReceipt, names: Mapping[PersonId, str]) -> DeletedFileRow:
    person = None
    if receipt.person_id is not None:
        person = names.get(receipt.person_id, _GONE)
    return DeletedFileRow(
        name=receipt.name,
        kind=KIND_WORDS[receipt.kind],
        debug_id=next(iter(receipt.debug_ids), None),
        release=receipt.release,
        cause=CAUSE_WORDS[receipt.cause],
        person=person,
        stored_bytes=receipt.stored_bytes,
        deleted_at=receipt.deleted_at,
        is_swept=receipt.swept_at is not None,
    )


def _describe_day(day: date | None) -> str | None:
    return retention.describe_day(day) if day else None
