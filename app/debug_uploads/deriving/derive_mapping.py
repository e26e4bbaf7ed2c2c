"""Makes an indexed mapping of a mapping of R8 or ProGuard."""

import asyncio
import hashlib
import re
import uuid
from typing import BinaryIO, Final

from app.core.errors import MalformedInput, OversizedInput, ServiceUnavailable
from app.debug_files.model import (
    ANY_CPU,
    MAPPING_OBJECT,
    DebugFileFeature,
    DebugFileKind,
    DebugFileRemark,
)
from app.debug_uploads.model import DerivedFile, DerivedObject, DerivedPart, UploadedFile
from app.debug_uploads.services import UploadServices
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.formats.debug_files.mapping.index import MappingFacts, index_mapping

_NAME: Final = re.compile(r"/?(?:.*/)?proguard/([0-9a-fA-F-]{32,36})\.txt")
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "guardsquare.com")
_PIECE_BYTES: Final = 1024 * 1024


def read_mapping_id(name: str) -> str | None:
    """Read the uuid of a mapping in the name under which sentry-cli uploads it."""
    match = _NAME.fullmatch(name)
    return normalize_debug_id(match[1]) if match else None


def compute_mapping_id(file: BinaryIO) -> str:
    """Compute the uuid that sentry-cli gives a mapping: UUIDv5 of its content."""
    file.seek(0)
    digest = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    return str(uuid.UUID(bytes=digest.digest()[:16], version=5))


async def derive_mapping(upload: UploadedFile, services: UploadServices) -> DerivedFile:
    """Index a mapping; raises as `derive.derive_debug_file` does."""
    most = services.limits.mapping_bytes
    if upload.size_bytes > most:
        raise OversizedInput(f"the mapping has {upload.size_bytes} bytes; {most} are taken")
    target = services.folder.open_file(upload.size_bytes // 4)
    try:
        # One at a time, as bundles: the names of a large mapping take much memory.
        async with services.packing:
            debug_id, facts = await asyncio.to_thread(_index, upload, target)
        size_bytes = target.tell()
    except BaseException:
        target.close()
        raise
    features: tuple[str, ...] = (DebugFileFeature.MAPPING,)
    if facts.has_lines:
        features = (*features, DebugFileFeature.LINES)
    remark = None if facts.has_lines else DebugFileRemark.NO_LINES
    return DerivedFile(
        DebugFileKind.PROGUARD,
        (DerivedPart(debug_id, MAPPING_OBJECT, ANY_CPU, None, features, remark),),
        (DerivedObject(MAPPING_OBJECT, target, size_bytes),),
        cpu_name=ANY_CPU,
        features=features,
        remark=remark,
    )


def _index(upload: UploadedFile, target: BinaryIO) -> tuple[str, MappingFacts]:
    try:
        upload.file.seek(0)
        facts = index_mapping(upload.file, target)
        target.flush()
        debug_id = upload.debug_id or read_mapping_id(upload.name)
        return debug_id or compute_mapping_id(upload.file), facts
    except OSError as error:
        raise ServiceUnavailable(f"a mapping cannot be indexed: {error.strerror}") from error
    except UnicodeError as error:
        raise MalformedInput("the mapping is not UTF-8") from error
