"""Packs a bundle of scripts or of sources, and takes its ids and addresses from its manifest."""

import asyncio
from typing import BinaryIO, Final

from app.core.errors import MalformedInput, OversizedInput, ServiceUnavailable
from app.debug_files.model import (
    ANY_CPU,
    BUNDLE_OBJECT,
    UNKNOWN_CPU,
    ArtifactUrl,
    DebugFileFeature,
    DebugFileKind,
)
from app.debug_uploads.model import DerivedFile, DerivedObject, DerivedPart, UploadedFile
from app.debug_uploads.services import UploadServices
from app.formats.debug_files.packed.bundle_packing import BundleFacts, pack_bundle

_SOURCES: Final = (DebugFileFeature.SOURCES,)
_SOURCE_TYPE: Final = "src"


async def derive_bundle(upload: UploadedFile, services: UploadServices) -> DerivedFile:
    """Pack a bundle; raises as `derive.derive_debug_file` does."""
    most = services.limits.bundle_bytes
    if upload.size_bytes > most:
        raise OversizedInput(f"the bundle has {upload.size_bytes} bytes; {most} are taken")
    target = services.folder.open_file(upload.size_bytes)
    try:
        # One at a time, since an entry is in memory while it is packed.
        async with services.packing:
            facts = await asyncio.to_thread(_pack_bundle, upload.file, target)
        packed = DerivedObject(BUNDLE_OBJECT, target, facts.packed_bytes)
        is_bundle = upload.is_bundle
        if is_bundle is None:
            is_bundle = DebugFileKind(facts.kind) is DebugFileKind.ARTIFACT_BUNDLE
        if is_bundle:
            return _describe_scripts(upload, facts, packed)
        return _describe_sources(upload, facts, packed)
    except BaseException:
        target.close()
        raise


def _pack_bundle(source: BinaryIO, target: BinaryIO) -> BundleFacts:
    try:
        facts = pack_bundle(source, target)
        target.flush()
    except OSError as error:
        raise ServiceUnavailable(f"a bundle cannot be packed: {error.strerror}") from error
    return facts


def _describe_scripts(
    upload: UploadedFile, facts: BundleFacts, packed: DerivedObject
) -> DerivedFile:
    release = upload.release or facts.release or ""
    dist = (upload.dist if upload.release else facts.dist) or ""
    artifacts = (
        tuple(ArtifactUrl(release, dist, each.url, each.entry) for each in facts.urls)
        if release
        else ()
    )
    return DerivedFile(
        DebugFileKind.ARTIFACT_BUNDLE,
        tuple(
            DerivedPart(debug_id, BUNDLE_OBJECT, ANY_CPU, None, _SOURCES)
            for debug_id in facts.debug_ids
        ),
        (packed,),
        cpu_name=ANY_CPU,
        features=_SOURCES,
        release=release or None,
        dist=dist or None,
        artifacts=artifacts,
    )


def _describe_sources(
    upload: UploadedFile, facts: BundleFacts, packed: DerivedObject
) -> DerivedFile:
    debug_id = upload.debug_id or facts.debug_id
    if debug_id is None:
        raise MalformedInput("the bundle has no debug id, so no event can name it")
    kind = DebugFileKind(facts.kind)
    if kind is DebugFileKind.ARTIFACT_BUNDLE:
        # Sources of unknown use, or none at all; the id decides who finds them.
        kind = DebugFileKind.SOURCE_BUNDLE if facts.arch else DebugFileKind.JVM_SOURCE_BUNDLE
    cpu_name = facts.arch or (UNKNOWN_CPU if kind is DebugFileKind.SOURCE_BUNDLE else ANY_CPU)
    return DerivedFile(
        kind,
        (DerivedPart(debug_id, BUNDLE_OBJECT, cpu_name, facts.code_id, _SOURCES),),
        (packed,),
        cpu_name=cpu_name,
        code_id=facts.code_id,
        features=_SOURCES,
        data_type=_SOURCE_TYPE,
        release=facts.release,
        dist=facts.dist,
    )
