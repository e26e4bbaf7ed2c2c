"""Uploads of debug files: taken by processes with pages, and finished by workers."""

from dataclasses import dataclass

from app.debug_uploads.assembler import Assembler
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.limits import UploadLimits
from app.debug_uploads.services import UploadServices
from app.wiring.shared import SharedParts
from app.wiring.symbolication import make_native_deriver


@dataclass(frozen=True, slots=True)
class DebugUploads:
    """The parts of a process that take uploads."""

    services: UploadServices
    assembler: Assembler


def make_debug_uploads(shared: SharedParts) -> DebugUploads:
    """Make it; nothing is done before the first question, or before the assembler is started."""
    settings = shared.settings
    folder = settings.data_dir.resolve() / "uploads"
    services = UploadServices(
        shared.database,
        shared.objects,
        UploadFolder(folder, reserve_bytes=settings.journal_reserve_bytes),
        make_native_deriver(settings.data_dir.resolve()),
        UploadLimits.from_settings(settings),
        keep_originals=settings.keep_debug_originals,
    )
    assembler = Assembler(services)
    shared.stack.push_async_callback(assembler.stop)
    return DebugUploads(services, assembler)
