"""Defines the manifest of a backup, and how its progress is shown."""

import hashlib
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from app.core.errors import ActionRefused, ServiceUnavailable

FORMAT: Final = 1


class BackupRefused(ActionRefused):
    """A backup cannot be made, verified or restored as it was asked for."""


class DamagedBackup(ActionRefused):
    """A backup lacks a file, or a file of it has other bytes than were written."""


class BackupUnfinished(ServiceUnavailable):
    """A step failed; the same command goes on where this one stopped."""


class BackupFile(msgspec.Struct, frozen=True):
    """A file of one backup, such as `database.dump`."""

    name: str
    size_bytes: int
    sha256: str


class CopiedObject(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An object of the store; its bytes are in the file that its checksum names."""

    key: str
    size_bytes: int
    version: str
    """The version of the object in the store when its bytes were read; empty if it is not known."""
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one backup. It is written last: a backup without it was never finished."""

    playhead_backup: int = FORMAT
    name: str
    made_at: datetime
    """The moment whose rows the dump has."""
    playhead: str
    """The release that made the backup."""
    revision: str
    """The schema of the database."""
    postgres: int
    """The major version of the server."""
    tools: int
    """The major version of the `pg_dump` that wrote the dump."""
    storage: str
    """`local` or `s3`."""
    files: tuple[BackupFile, ...]
    objects: int
    object_bytes: int
    erasure_log_id: str | None = None
    missing: tuple[str, ...] = ()
    """Objects that rows name and that the store had lost before."""
    checksum: str = ""
    """The SHA-256 of this manifest without this field."""


class Progress(Protocol):
    """Shows people how far a long piece of work is."""

    def begin(self, words: str, *, total: int | None = None, is_bytes: bool = False) -> None:
        """Begin a piece of work; without a total, it is not known how much there is to do."""

    def advance(self, amount: int) -> None:
        """Note that more of it is done."""


class SilentProgress:
    """Shows nothing."""

    def begin(self, words: str, *, total: int | None = None, is_bytes: bool = False) -> None:
        """See `Progress.begin`."""

    def advance(self, amount: int) -> None:
        """See `Progress.advance`."""


def encode_manifest(manifest: Manifest) -> bytes:
    """Return a manifest as JSON for people and programs, with its checksum."""
    checksum = _find_checksum(manifest)
    whole = msgspec.json.encode(msgspec.structs.replace(manifest, checksum=checksum))
    return msgspec.json.format(whole, indent=1) + b"\n"


def decode_manifest(data: bytes, *, where: str) -> Manifest:
    """Read a manifest.

    Args:
        data: The file.
        where: The name of the file, for messages.

    Raises:
        BackupRefused: A later release wrote it, in a form that this one cannot read.
        DamagedBackup: It is not a manifest, or was changed.
    """
    try:
        raw: Any = msgspec.json.decode(data)
        written_as = raw["playhead_backup"] if isinstance(raw, dict) else None
        if isinstance(written_as, int) and written_as > FORMAT:
            raise BackupRefused(f"{where} was written by a later release; restore with that one")
        manifest = msgspec.convert(raw, Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, UnicodeError) as error:
        raise DamagedBackup(f"{where} is not the manifest of a backup: {error}") from error
    if manifest.checksum != _find_checksum(manifest):
        raise DamagedBackup(f"{where} was changed after the backup was made")
    return manifest


def _find_checksum(manifest: Manifest) -> str:
    bare = msgspec.structs.replace(manifest, checksum="")
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()
