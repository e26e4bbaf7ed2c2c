"""Chunks are inflated up to a limit, and compared with their names."""

import gzip
import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from app.core.errors import MalformedInput, OversizedInput, RequestRefused, ServiceUnavailable
from app.debug_uploads import chunk_writer
from app.debug_uploads.chunk_writer import ChunkParts
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.form_reader import PartHead


def name(content: bytes) -> str:
    """Return the name of a chunk."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def receive(parts: ChunkParts, field: str, filename: str, *pieces: bytes) -> bytes:
    """Receive a chunk in pieces; returns its content."""
    writer = parts.open_part(PartHead(field, filename))
    for piece in pieces:
        writer.write(piece)
    writer.end()
    (chunk,) = parts.take_received()
    with chunk.file:
        chunk.file.seek(0)
        content = chunk.file.read()
    assert chunk.size_bytes == len(content)
    assert chunk.sha1 == filename.lower()
    return content


@given(st.binary(max_size=2_000), st.integers(0, 2_000), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_chunks_come_out_as_they_were(tmp_path: Path, content, at, is_upper):
    """Packed or not, in one piece or two, with the checksum in either case."""
    parts = ChunkParts(UploadFolder(tmp_path, reserve_bytes=0))
    packed = gzip.compress(content)
    filename = name(content).upper() if is_upper else name(content)
    assert receive(parts, "file", filename, content[:at], content[at:]) == content
    assert receive(parts, "file_gzip", filename, packed[:at], packed[at:]) == content
    parts.close()


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_taken_or_refused(tmp_path: Path, content):
    """Bytes that are no gzip are refused, and nothing else is raised."""
    parts = ChunkParts(UploadFolder(tmp_path, reserve_bytes=0))
    with pytest.raises(RequestRefused):
        receive(parts, "file_gzip", "0" * 40, content)
    parts.close()


def test_a_chunk_and_a_request_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """At the limit everything is taken; one byte more is not, and inflating stops there."""
    monkeypatch.setattr(chunk_writer, "CHUNK_BYTES", 100)
    monkeypatch.setattr(chunk_writer, "REQUEST_BYTES", 150)
    parts = ChunkParts(UploadFolder(tmp_path, reserve_bytes=0))
    full, more = bytes(100), bytes(50)
    assert receive(parts, "file_gzip", name(full), gzip.compress(full)) == full
    assert receive(parts, "file", name(more), more) == more
    with pytest.raises(OversizedInput, match="request"):
        receive(parts, "file", name(b"x"), b"x")
    parts.close()
    parts = ChunkParts(UploadFolder(tmp_path, reserve_bytes=0))
    with pytest.raises(OversizedInput, match="100"):
        receive(parts, "file_gzip", "0" * 40, gzip.compress(bytes(50_000_000)))
    assert parts.bytes_left > 150 - 2 * 1024 * 1024
    parts.close()


@pytest.mark.parametrize(("field", "filename"), [("file", "x"), ("other", "0" * 40), ("", "")])
def test_parts_that_are_no_chunks_are_refused(tmp_path: Path, field, filename):
    """A chunk is named after its SHA-1, in one of two fields."""
    with pytest.raises(MalformedInput):
        ChunkParts(UploadFolder(tmp_path, reserve_bytes=0)).open_part(PartHead(field, filename))


def test_a_full_disk_is_an_outage(tmp_path: Path):
    """Uploads leave the free space that belongs to the journal, and say so."""
    folder = UploadFolder(tmp_path, reserve_bytes=2**62)
    with pytest.raises(ServiceUnavailable, match="full"):
        folder.open_file()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ServiceUnavailable, match="written"):
        UploadFolder(tmp_path / "file", reserve_bytes=0).open_file()
