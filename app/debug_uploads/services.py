"""Bundles the services that uploads use; a process has one bundle."""

import asyncio
from dataclasses import dataclass, field

from app.db.engine import Database
from app.debug_files.model import ApiTokenId
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.limits import UploadLimits
from app.storage.port import ObjectStore
from app.symbolicator.child import NativeDeriver


@dataclass(frozen=True, slots=True)
class UploadServices:
    """The database, the storage, the local folder, the child for native files, and the limits."""

    database: Database
    objects: ObjectStore
    folder: UploadFolder
    native: NativeDeriver
    limits: UploadLimits
    keep_originals: bool = False
    """True if native files are stored as they were uploaded, too."""
    packing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Is held while a bundle is packed or a mapping is indexed."""
    open_requests: dict[ApiTokenId, int] = field(default_factory=dict)
    """Requests with chunks or archives that this process answers now, by token."""
    open_archives: list[ApiTokenId] = field(default_factory=list)
    """The tokens of the requests with archives that this process answers now."""
