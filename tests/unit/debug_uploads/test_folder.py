"""Uploads leave the free space of the journal alone, also while they grow."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.core.errors import ServiceUnavailable
from app.debug_uploads import folder
from app.debug_uploads.folder import UploadFolder


def test_a_disk_that_fills_up_ends_an_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file that was opened with room is refused further bytes, and can be closed."""
    monkeypatch.setattr(folder, "_CHECK_EVERY_BYTES", 100_000)
    free = [2**40]
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free[0], f_frsize=1))
    file = UploadFolder(tmp_path, reserve_bytes=1).open_file()
    piece = bytes(range(256)) * 300
    file.write(piece)
    file.seek(0)
    assert file.read() == piece
    free[0] = 1_000
    with pytest.raises(ServiceUnavailable, match="full"):
        file.write(piece)
    file.close()
    assert list(tmp_path.iterdir()) == []
