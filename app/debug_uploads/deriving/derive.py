"""Recognises and checks an uploaded file, and converts it to the form that look-ups read.

first bytes, name ─► form ─► mapping │ bundle │ Dart map │ native ─► DerivedFile
"""

from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Final

from app.core.errors import MalformedInput
from app.core.log import shown
from app.debug_uploads.deriving.derive_bundle import derive_bundle
from app.debug_uploads.deriving.derive_dart import derive_dart_map
from app.debug_uploads.deriving.derive_mapping import derive_mapping
from app.debug_uploads.deriving.derive_native import derive_native
from app.debug_uploads.model import DerivedFile, UploadedFile
from app.debug_uploads.services import UploadServices
from app.formats.debug_files.file_forms import HEAD_BYTES, DebugFileForm, recognize_form

_Derive = Callable[[UploadedFile, UploadServices], Awaitable[DerivedFile]]

_BY_FORM: Final[dict[DebugFileForm, _Derive]] = {
    DebugFileForm.MAPPING: derive_mapping,
    DebugFileForm.BUNDLE: derive_bundle,
    DebugFileForm.ZIP: derive_bundle,
    DebugFileForm.ELF: derive_native,
    DebugFileForm.MACHO: derive_native,
    DebugFileForm.BREAKPAD: derive_native,
    DebugFileForm.PDB: derive_native,
    DebugFileForm.PE: derive_native,
    DebugFileForm.JSON_LIST: derive_dart_map,
}
_UNNEEDED: Final = frozenset(
    {DebugFileForm.BCSYMBOLMAP, DebugFileForm.UUID_MAP, DebugFileForm.JSON_OBJECT}
)
"""Forms that builds upload beside what is read; a build must not fail because of them."""
_UNREAD: Final = {
    DebugFileForm.PORTABLE_PDB: "portable PDBs of .NET are not read",
    DebugFileForm.WASM: "WebAssembly is not read",
}
_UNKNOWN: Final = "it has none of the forms that are read"


class UnneededFile(Exception):
    """A valid file that no look-up reads, so it is not kept."""


async def derive_debug_file(upload: UploadedFile, services: UploadServices) -> DerivedFile:
    """Check an uploaded file, and convert it to the form that look-ups read.

    Args:
        upload: The file.
        services: The services of uploads. The objects lie in its folder until they are stored; the
            caller closes them.

    Raises:
        MalformedInput: The file is broken, or of a kind that is not read.
        OversizedInput: It exceeds a limit of its kind.
        UnneededFile: It is of a kind that is not needed.
        ServiceUnavailable: The disk is too full.
    """
    upload.file.seek(0)
    form = recognize_form(upload.file.read(HEAD_BYTES))
    upload.file.seek(0)
    if upload.is_bundle:
        return await derive_bundle(upload, services)
    if form in _UNNEEDED:
        raise UnneededFile(form)
    derive = _BY_FORM.get(form)
    if derive is None:
        name = shown(PurePosixPath(upload.name).name)
        raise MalformedInput(f"{name} cannot be used: {_UNREAD.get(form, _UNKNOWN)}")
    return await derive(upload, services)
