"""Takes whole files: the ZIP of old clients, and what people upload by hand.

form ─► unnamed file ─► a ZIP of debug files? ─┬► each entry ─┬► derive ─► keep
                                               └► the file ───┘
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from app.core.errors import (
    InvalidInput,
    OversizedInput,
    RequestRefused,
    ServiceUnavailable,
)
from app.core.ids import ProjectId
from app.core.log import shown
from app.debug_files import queries, upload_counts
from app.debug_files.model import ApiTokenId, DebugFile, DebugFilePart
from app.debug_uploads.body import collect_pieces
from app.debug_uploads.deriving.derive import UnneededFile, derive_debug_file
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.form_reader import FormReader, PartHead
from app.debug_uploads.keep_file import keep_debug_file
from app.debug_uploads.limits import MOST_FILES, NAME_CHARS, find_exceeded_limit
from app.debug_uploads.model import UploadedFile
from app.debug_uploads.services import UploadServices
from app.formats.debug_files import zip_reader
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.formats.debug_files.file_forms import HEAD_BYTES, DebugFileForm, recognize_form
from app.formats.debug_files.zip_reader import ZipReader

_MOST_FIELDS: Final = 8
_SAMPLE_ID: Final = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
_FIELD_BYTES: Final = 64 * 1024
"""A field that is not read, with its head and border."""
_TEXT_FIELDS: Final = ("debug_id", "release", "dist")
_TEXT_BYTES: Final = 1_024
_PIECE_BYTES: Final = 256 * 1024
_MANIFEST: Final = "manifest.json"
_SKIPPED_NAMES: Final = frozenset({"Info.plist", ".DS_Store", "Manifest.mf"})
"""Entries of a packed dSYM, and of packing programs, that are no debug files."""
_SKIPPED_FOLDERS: Final = ("__MACOSX/",)
_SKIPPED_SUFFIXES: Final = (".yml", ".plist", ".strings")


@dataclass(frozen=True, slots=True)
class TakenFile:
    """The result for one file of an upload."""

    name: str
    file: DebugFile | None = None
    """The debug file; None if it cannot be used, or if nothing reads files of its kind."""
    parts: tuple[DebugFilePart, ...] = ()
    is_new: bool = False
    """True if the project did not have it, or not under this id."""
    fault: str | None = None
    """The reason why it cannot be used."""


@dataclass(frozen=True, slots=True)
class WholeUpload:
    """The uploader of a whole file, its project, and what is known of the file."""

    project_id: ProjectId
    token_id: ApiTokenId | None = None
    """None for a person."""
    debug_id: str = ""
    """The normalised debug id of a file that does not have one itself; empty for none."""
    release: str = ""
    dist: str = ""
    has_fields: bool = False
    """True if the fields `debug_id`, `release` and `dist` of the form say the same of the file."""


async def receive_file(
    services: UploadServices,
    upload: WholeUpload,
    body: AsyncIterator[bytes],
    *,
    content_type: str,
) -> list[TakenFile]:
    """Take the file in the field `file` of a form, and make debug files of it.

    Args:
        services: The services of uploads.
        upload: The uploader and the project.
        body: The body of the request.
        content_type: Its header `Content-Type`.

    Returns:
        The result for the file; for a ZIP of debug files, the results for its entries in order.

    Raises:
        MalformedInput: The form or the ZIP is broken.
        OversizedInput: The file is too large, or the ZIP has too many entries.
        InvalidInput: The form has no file, or the project may not have any more.
        ServiceUnavailable: The disk is full, or Postgres or the storage does not answer.
    """
    async with services.database.reading() as connection:
        usage = await upload_counts.read_usage(connection, upload.project_id)
    fault = find_exceeded_limit(services.limits, usage, files=1)
    if fault is not None:
        raise InvalidInput(fault)
    async with AsyncExitStack() as stack:
        received = await _receive(services, body, content_type, stack)
        if upload.has_fields:
            upload = _read_fields(upload, received.fields)
        archive = await asyncio.to_thread(_open_archive, received.file, stack)
        if archive is not None:
            most = min(MOST_FILES, services.limits.files_a_day - usage.uploaded_today)
            return await _take_archive(services, upload, archive, most=most)
        return [await _take_file(services, upload, received.name, received.file)]


@dataclass(slots=True)
class _ReceivedFile:
    """The file of a form, while it is received."""

    folder: UploadFolder
    limit_bytes: int
    stack: AsyncExitStack
    name: str = ""
    opened: BinaryIO | None = None
    fields: "dict[str, _TextField]" = field(default_factory=dict)
    _size_bytes: int = field(default=0)

    @property
    def file(self) -> BinaryIO:
        """The file, from its beginning."""
        if self.opened is None:
            raise InvalidInput("the form has no field `file`")
        self.opened.seek(0)
        return self.opened

    def open_part(self, head: PartHead) -> "_ReceivedFile | _TextField | _UnreadField":
        """Take the field `file` and some short ones, and skip all others."""
        if head.name in _TEXT_FIELDS and head.name not in self.fields:
            self.fields[head.name] = _TextField(head.name)
            return self.fields[head.name]
        if head.name != "file" or self.opened is not None:
            return _UnreadField()
        self.name = head.filename[:NAME_CHARS]
        self.opened = self.folder.open_file()
        self.stack.callback(self.opened.close)
        return self

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._size_bytes += len(data)
        if self._size_bytes > self.limit_bytes:
            raise OversizedInput(f"the file has more than {self.limit_bytes} bytes")
        assert self.opened is not None  # noqa: S101 - `open_part` has opened it
        self.opened.write(data)

    def end(self) -> None:
        """Do nothing: the file is whole."""


class _TextField:
    """A short text beside the file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._content = bytearray()

    @property
    def text(self) -> str:
        """The text, without blanks around it."""
        return self._content.decode("utf-8", "replace").replace("\0", "").strip()

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._content += data
        if len(self._content) > _TEXT_BYTES:
            raise OversizedInput(f"the field {self._name} has more than {_TEXT_BYTES} bytes")

    def end(self) -> None:
        """Do nothing: the text is whole."""


class _UnreadField:
    """A field that nobody reads."""

    _size_bytes = 0

    def write(self, data: bytes) -> None:
        """Count the bytes."""
        self._size_bytes += len(data)
        if self._size_bytes > _FIELD_BYTES:
            raise OversizedInput(f"a field of the form has more than {_FIELD_BYTES} bytes")

    def end(self) -> None:
        """Do nothing."""


async def _receive(
    services: UploadServices, body: AsyncIterator[bytes], content_type: str, stack: AsyncExitStack
) -> _ReceivedFile:
    received = _ReceivedFile(services.folder, services.limits.file_bytes, stack)
    form = FormReader(content_type, received.open_part, most_parts=_MOST_FIELDS)
    most_bytes = services.limits.file_bytes + _MOST_FIELDS * _FIELD_BYTES
    async for piece in collect_pieces(body, most_bytes=most_bytes):
        await asyncio.to_thread(_feed_form, form, piece)
    form.finish()
    return received


def _read_fields(upload: WholeUpload, fields: "dict[str, _TextField]") -> WholeUpload:
    """Add what the fields of a form say of its file.

    Raises:
        InvalidInput: The debug id is not one.
    """
    texts = {name: fields[name].text if name in fields else "" for name in _TEXT_FIELDS}
    debug_id = normalize_debug_id(texts["debug_id"]) if texts["debug_id"] else ""
    if debug_id is None:
        typed = shown(texts["debug_id"])
        raise InvalidInput(f"a debug id looks like {_SAMPLE_ID}, and not like {typed}")
    return replace(upload, debug_id=debug_id, release=texts["release"], dist=texts["dist"])


def _feed_form(form: FormReader, piece: bytes) -> None:
    try:
        form.feed(piece)
    except OSError as error:
        raise ServiceUnavailable(f"an upload cannot be written: {error.strerror}") from error


def _open_archive(file: BinaryIO, stack: AsyncExitStack) -> ZipReader | None:
    """Open a ZIP of debug files; None for any other file, also for a bundle."""
    if recognize_form(file.read(HEAD_BYTES)) is not DebugFileForm.ZIP:
        return None
    archive = stack.enter_context(zip_reader.open_zip(file, "the ZIP"))
    return None if _MANIFEST in archive.members else archive


async def _take_archive(
    services: UploadServices, upload: WholeUpload, archive: ZipReader, *, most: int
) -> list[TakenFile]:
    names = [name for name in archive.members if _is_debug_file(name)]
    if not 0 < len(names) <= most:
        raise OversizedInput(f"the ZIP has {len(names)} debug files; 1 to {most} are taken")
    taken: list[TakenFile] = []
    limit = services.limits.file_bytes
    for name in names:
        with services.folder.open_file() as entry:
            try:
                await asyncio.to_thread(_inflate, archive, name, entry, limit)
            except RequestRefused as error:
                taken.append(TakenFile(name, fault=str(error)))
                continue
            taken.append(await _take_file(services, upload, name, entry))
    return taken


def _is_debug_file(name: str) -> bool:
    path = PurePosixPath(name)
    return not (
        name.endswith(("/", *_SKIPPED_SUFFIXES))
        or name.startswith(_SKIPPED_FOLDERS)
        or path.name in _SKIPPED_NAMES
    )


def _inflate(archive: ZipReader, name: str, target: BinaryIO, limit: int) -> None:
    for piece in archive.iterate_entry(name, limit=limit):
        try:
            target.write(piece)
        except OSError as error:
            raise ServiceUnavailable(f"an upload cannot be written: {error.strerror}") from error


async def _take_file(
    services: UploadServices, upload: WholeUpload, name: str, file: BinaryIO
) -> TakenFile:
    """Make a debug file of a file, or say why that cannot be done."""
    uploaded = await asyncio.to_thread(_describe_file, upload, name, file)
    if not uploaded.size_bytes:
        return TakenFile(name, fault=f"{shown(PurePosixPath(name).name)} is empty")
    try:
        derived = await derive_debug_file(uploaded, services)
    except RequestRefused as error:
        return TakenFile(name, fault=str(error))
    except UnneededFile:
        return TakenFile(name)
    try:
        kept = await keep_debug_file(services, uploaded, derived)
    finally:
        derived.close()
    if kept is None:
        return TakenFile(name, fault="it was not stored")
    file_id = kept.file.file_id
    async with services.database.reading() as connection:
        parts = await queries.read_parts(connection, upload.project_id, [file_id])
    ids = {part.debug_id for part in derived.parts}
    own = tuple(part for part in parts[file_id] if part.debug_id in ids)
    return TakenFile(name, kept.file, own, kept.is_new)


def _describe_file(upload: WholeUpload, name: str, file: BinaryIO) -> UploadedFile:
    """Hash a file."""
    hashes = (hashlib.sha1(usedforsecurity=False), hashlib.sha256())
    file.flush()
    file.seek(0)
    size_bytes = 0
    while piece := file.read(_PIECE_BYTES):
        size_bytes += len(piece)
        for each in hashes:
            each.update(piece)
    return UploadedFile(
        upload.project_id,
        name,
        file,
        hashes[0].hexdigest(),
        hashes[1].hexdigest(),
        size_bytes,
        token_id=upload.token_id,
        debug_id=upload.debug_id,
        release=upload.release,
        dist=upload.dist,
        is_bundle=None,
    )
