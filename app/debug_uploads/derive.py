"""Finds out what an uploaded file is, checks it, and makes of it what look-ups read.

first bytes, name ─► form ─► mapping │ bundle │ Dart map │ native ─► DerivedFile
"""

from pathlib import PurePosixPath
from typing import Final

from app.core.errors import MalformedInput
from app.core.log import shown
from app.debug_uploads.derive_mapping import derive_mapping
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.limits import UploadLimits
from app.debug_uploads.model import DerivedFile, UploadedFile
from app.formats.debug_files.file_forms import HEAD_BYTES, DebugFileForm, recognize_form

_UNUSED: Final = {
    DebugFileForm.PORTABLE_PDB: "portable PDBs of .NET are not read",
    DebugFileForm.WASM: "WebAssembly is not read",
    DebugFileForm.BCSYMBOLMAP: "symbol maps of Xcode 13 and before are not read",
    DebugFileForm.UUID_MAP: "property lists with UUIDs are not read",
}


async def derive_debug_file(
    upload: UploadedFile, folder: UploadFolder, limits: UploadLimits
) -> DerivedFile:
    """Check an uploaded file and make what look-ups read.

    Args:
        upload: The file.
        folder: Where the objects lie until they are stored; the caller closes them.
        limits: The limits of files.

    Raises:
        MalformedInput: The file is broken, or of a kind that is not read.
        OversizedInput: It exceeds a limit of its kind.
        ServiceUnavailable: The disk is too full.
    """
    upload.file.seek(0)
    form = recognize_form(upload.file.read(HEAD_BYTES))
    upload.file.seek(0)
    if form is DebugFileForm.MAPPING:
        return await derive_mapping(upload, folder, limits)
    name = shown(PurePosixPath(upload.name).name)
    raise MalformedInput(f"{name} is no debug file: {_UNUSED.get(form, 'its form is unknown')}")
