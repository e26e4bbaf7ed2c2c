"""What uploads work with; one for a process."""

from dataclasses import dataclass, field

from app.db.engine import Database
from app.debug_files.model import ApiTokenId
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.limits import UploadLimits
from app.storage.port import ObjectStore


@dataclass(frozen=True, slots=True)
class UploadServices:
    """The database, the storage, the local folder, and the limits."""

    database: Database
    objects: ObjectStore
    folder: UploadFolder
    limits: UploadLimits
    open_requests: dict[ApiTokenId, int] = field(default_factory=dict)
    """Requests with chunks that this process answers now, by token."""
