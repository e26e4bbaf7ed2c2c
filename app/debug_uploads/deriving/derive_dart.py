"""Packs a symbol map of Dart, which has the debug id of the symbols that it was made with."""

import asyncio
from typing import BinaryIO

from app.core.errors import MalformedInput, OversizedInput, ServiceUnavailable
from app.debug_files.model import ANY_CPU, DART_OBJECT, DebugFileFeature, DebugFileKind
from app.debug_uploads.model import DerivedFile, DerivedObject, DerivedPart, UploadedFile
from app.debug_uploads.services import UploadServices
from app.formats.debug_files.packed.dart_maps import DartMapFacts, pack_dart_map

_FEATURES = (DebugFileFeature.MAPPING,)


async def derive_dart_map(upload: UploadedFile, services: UploadServices) -> DerivedFile:
    """Pack a symbol map of Dart; raises as `derive.derive_debug_file` does."""
    if not upload.debug_id:
        raise MalformedInput(
            "a symbol map of Dart names no debug id; upload it with the symbols of the app: "
            "`sentry-cli dart-symbol-map upload MAP SYMBOLS`"
        )
    most = services.limits.bundle_bytes
    if upload.size_bytes > most:
        raise OversizedInput(f"the map has {upload.size_bytes} bytes; {most} are taken")
    target = services.folder.open_file(upload.size_bytes)
    try:
        # One at a time, since the map is in memory while it is packed.
        async with services.packing:
            facts = await asyncio.to_thread(_pack_map, upload.file, target)
    except BaseException:
        target.close()
        raise
    return DerivedFile(
        DebugFileKind.DART_SYMBOL_MAP,
        (DerivedPart(upload.debug_id, DART_OBJECT, ANY_CPU, None, _FEATURES),),
        (DerivedObject(DART_OBJECT, target, facts.packed_bytes),),
        cpu_name=ANY_CPU,
        features=_FEATURES,
    )


def _pack_map(source: BinaryIO, target: BinaryIO) -> DartMapFacts:
    try:
        facts = pack_dart_map(source, target)
        target.flush()
    except OSError as error:
        raise ServiceUnavailable(f"a map cannot be packed: {error.strerror}") from error
    return facts
