"""The manifest of a backup says what it has, and whether it was changed."""

from datetime import UTC, datetime

import msgspec
import pytest

from app.backup.model import (
    BackupFile,
    BackupRefused,
    DamagedBackup,
    Manifest,
    decode_manifest,
    encode_manifest,
)

MANIFEST = Manifest(
    name="2026-11-30T120000Z",
    made_at=datetime(2026, 11, 30, 12, tzinfo=UTC),
    playhead="0.1.0",
    revision="0033",
    postgres=18,
    tools=18,
    storage="local",
    files=(BackupFile("database.dump", 12, "a" * 64),),
    objects=3,
    object_bytes=99,
)


def test_a_manifest_is_read_as_it_was_written():
    """All facts come back, with the checksum."""
    read = decode_manifest(encode_manifest(MANIFEST), where="here")
    assert msgspec.structs.replace(read, checksum="") == MANIFEST


def test_a_changed_manifest_is_damaged():
    """A changed fact does not match the checksum."""
    data = encode_manifest(MANIFEST).replace(b'"objects": 3', b'"objects": 2')
    with pytest.raises(DamagedBackup, match="here was changed after the backup was made"):
        decode_manifest(data, where="here")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"name": 3}', b"\xff", b"null"])
def test_other_files_are_no_manifests(data: bytes):
    """Whatever else the file holds, the message says that it is no manifest."""
    with pytest.raises(DamagedBackup, match="here is not the manifest of a backup"):
        decode_manifest(data, where="here")


def test_a_later_format_names_the_remedy():
    """A manifest of a later release is not called damaged."""
    with pytest.raises(BackupRefused, match="written by a later release"):
        decode_manifest(b'{"playhead_backup": 2, "news": true}', where="here")
