"""Limits of uploads; whatever exceeds one is refused with a sentence for the build log."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.core.settings import Settings
from app.debug_files.upload_counts import ProjectUsage

_MIB: Final = 1024 * 1024
_GIB: Final = 1024 * _MIB
_MAPPING_BYTES: Final = 256 * _MIB
_BUNDLE_BYTES: Final = 128 * _MIB

CHUNK_BYTES: Final = 8 * _MIB
"""A chunk, after inflating."""
REQUEST_BYTES: Final = 32 * _MIB
"""All chunks of one request, after inflating; that is how sentry-cli counts."""
FORM_BYTES: Final = REQUEST_BYTES + 64 * 1024
"""The body of a request with chunks; 64 parts have some 12 KB of heads and borders."""
MOST_PARTS: Final = 64
"""Chunks in one request."""
CONCURRENCY: Final = 4
"""Requests with chunks that sentry-cli sends at the same time."""
MOST_CONCURRENT: Final = 8
"""Requests with chunks or archives of one token that a process takes at the same time."""
MOST_ARCHIVES: Final = 2
"""Requests with a whole archive that a process takes at the same time. Each brings up to the limit
of a file, and everything in it is read before the request is answered."""
LOOSE_BYTES: Final = 2 * _GIB
"""Chunks of a token of which no file was put together yet."""
MOST_FILES: Final = 512
"""Files that one request may ask for."""
MOST_CHUNKS: Final = 4_096
"""Chunks of one file; one of 2 GiB has 256."""
MOST_CHUNKS_ASKED: Final = 32_768
"""Chunks of all files that one request asks for."""
QUESTION_BYTES: Final = 4 * _MIB
"""The body of such a request; 32,768 chunks have 1.4 MB."""
NAME_CHARS: Final = 1_024
"""The name of a file, with its folders."""
OPEN_FILES: Final = 1_000
"""Files of a token that are being put together. One chunk may be named by any number of them, so
what the token has sent does not bound them."""
OPEN_BYTES: Final = 20 * _GIB
"""The sizes of these files in all."""
MOST_IDS: Final = 1_000
"""Debug ids that one content may be uploaded under."""
SMALL_BYTES: Final = 32 * _MIB
"""A file up to this size is put together within the request that asks for it."""
WAIT_S: Final = 20.0
"""The longest time that a request waits for its files."""
MAX_WAIT_S: Final = 300
"""The longest time that sentry-cli waits with `--wait`."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits that the operator may change, or that depend on the kind of a file."""

    file_bytes: int = 512 * _MIB
    mapping_bytes: int = _MAPPING_BYTES
    bundle_bytes: int = _BUNDLE_BYTES
    project_bytes: int = 20 * _GIB
    """The bytes that the debug files of a project may take in storage."""
    project_files: int = 50_000
    files_a_day: int = 10_000

    @classmethod
    def from_settings(cls, settings: Settings) -> "UploadLimits":
        """Read the limits that the operator has set; none exceeds that of all files."""
        most = settings.debug_file_bytes
        return cls(
            file_bytes=most,
            mapping_bytes=min(most, _MAPPING_BYTES),
            bundle_bytes=min(most, _BUNDLE_BYTES),
            project_bytes=settings.debug_files_project_bytes,
        )


LOST_AFTER: Final = timedelta(days=2)
"""The object of a chunk without a row is removed so many days after it came."""


def find_exceeded_limit(limits: UploadLimits, usage: ProjectUsage, *, files: int) -> str | None:
    """Return which limit of a project some further files exceed; None if they may come."""
    if usage.files + files > limits.project_files:
        return f"the project has {usage.files} debug files, of {limits.project_files} at most"
    if usage.stored_bytes >= limits.project_bytes:
        return (
            f"the debug files of the project take {usage.stored_bytes} bytes, of "
            f"{limits.project_bytes} at most (PLAYHEAD_DEBUG_FILES_PROJECT_BYTES)"
        )
    if usage.uploaded_today + files > limits.files_a_day:
        return (
            f"{usage.uploaded_today} debug files were uploaded to the project within a day, of "
            f"{limits.files_a_day} at most"
        )
    return None
