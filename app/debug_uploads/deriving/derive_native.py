"""Lets the symbolicator's child make symcaches of a native file; no other process parses it.

file ─► child ─► symcaches, one after another ─► an object for each part
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

import zstandard

from app.core.errors import MalformedInput, ServiceUnavailable
from app.debug_files.model import (
    ORIGINAL_OBJECT,
    SYMCACHE_OBJECT,
    DebugFileKind,
    DebugFileRemark,
)
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.model import DerivedFile, DerivedObject, DerivedPart, UploadedFile
from app.debug_uploads.services import UploadServices
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.symbolicator.wire import DebugObject

_PIECE_BYTES: Final = 1024 * 1024
_LEVEL: Final = 3


async def derive_native(upload: UploadedFile, services: UploadServices) -> DerivedFile:
    """Make symcaches of a native file; raises as `derive.derive_debug_file` does."""
    upload.file.flush()
    with (
        _open_to_read(upload.file) as source,
        services.folder.open_file(upload.size_bytes // 4) as target,
    ):
        found = await services.native.derive(source.fileno(), target.fileno())
        parts = [_describe_part(each, number) for number, each in enumerate(found)]
        _check_id(upload, parts)
        objects = await asyncio.to_thread(_divide, target, found, services.folder)
    if services.keep_originals:
        objects.append(await asyncio.to_thread(_pack_original, upload.file, services.folder))
    first = found[0]
    return DerivedFile(
        DebugFileKind(first.format),
        tuple(parts),
        tuple(objects),
        cpu_name=", ".join(dict.fromkeys(part.cpu_name for part in parts)),
        code_id=first.code_id,
        features=tuple(dict.fromkeys(name for part in parts for name in part.features)),
        data_type=first.object_kind,
        remark=next((part.remark for part in parts if part.remark), None),
    )


def _open_to_read(file: BinaryIO) -> BinaryIO:
    """Open a file once more, so that whoever gets the descriptor cannot write."""
    return Path(f"/proc/self/fd/{file.fileno()}").open("rb")


def _describe_part(found: DebugObject, number: int) -> DerivedPart:
    return DerivedPart(
        normalize_debug_id(found.debug_id) or found.debug_id,
        f"{SYMCACHE_OBJECT}-{number}",
        found.arch,
        found.code_id,
        tuple(found.features),
        DebugFileRemark(found.remark) if found.remark else None,
    )


def _check_id(upload: UploadedFile, parts: Sequence[DerivedPart]) -> None:
    ids = [part.debug_id for part in parts]
    if upload.debug_id and upload.debug_id not in ids:
        raise MalformedInput(
            f"the file has the debug id {', '.join(ids[:5])}, not {upload.debug_id}"
        )


def _divide(
    target: BinaryIO, found: Sequence[DebugObject], folder: UploadFolder
) -> list[DerivedObject]:
    """Give each symcache a file of its own."""
    objects: list[DerivedObject] = []
    try:
        for number, each in enumerate(found):
            if each.size_bytes:
                file = folder.open_file(each.size_bytes)
                objects.append(DerivedObject(f"{SYMCACHE_OBJECT}-{number}", file, each.size_bytes))
                _copy_range(target.fileno(), file.fileno(), each.start, each.size_bytes)
    except OSError as error:
        _close_objects(objects)
        raise ServiceUnavailable(f"a symcache cannot be written: {error.strerror}") from error
    except BaseException:
        _close_objects(objects)
        raise
    return objects


def _copy_range(source: int, target: int, start: int, size_bytes: int) -> None:
    end = start + size_bytes
    while start < end:
        copied = os.sendfile(target, source, start, end - start)
        if not copied:
            raise MalformedInput("the symbolicator's child wrote less than it said")
        start += copied


def _pack_original(file: BinaryIO, folder: UploadFolder) -> DerivedObject:
    target = folder.open_file()
    try:
        file.seek(0)
        zstandard.ZstdCompressor(level=_LEVEL).copy_stream(file, target)
        target.flush()
    except OSError as error:
        target.close()
        raise ServiceUnavailable(f"a debug file cannot be packed: {error.strerror}") from error
    return DerivedObject(ORIGINAL_OBJECT, target, target.tell())


def _close_objects(objects: Sequence[DerivedObject]) -> None:
    for each in objects:
        each.file.close()
