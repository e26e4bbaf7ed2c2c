"""Direct writes: every byte arrives, whatever its size and whatever the disk supports."""

import errno
import fcntl
import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from app.core.direct_io import BLOCK_BYTES, DirectWriteBuffer, bypass_page_cache, round_up_to_blocks

STAGING = DirectWriteBuffer(2 * BLOCK_BYTES)


def opened(path: Path) -> int:
    """Open a new file for direct writes."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    bypass_page_cache(fd)
    return fd


@given(sizes=st.lists(st.integers(0, 3 * BLOCK_BYTES), max_size=6), blocks=st.integers(0, 2))
def test_parts_arrive_in_order_with_zeros_up_to_the_next_block(tmp_path_factory, sizes, blocks):
    """The file holds parts of any size from the offset on, with padding."""
    path = tmp_path_factory.mktemp("direct") / "file"
    fd = opened(path)
    parts = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    whole = b"".join(parts)
    written = STAGING.write(fd, parts, blocks * BLOCK_BYTES)
    assert written == round_up_to_blocks(len(whole))
    os.close(fd)
    content = path.read_bytes() if written else bytes(blocks * BLOCK_BYTES)
    assert content == bytes(blocks * BLOCK_BYTES) + whole.ljust(written, b"\0")


def test_a_disk_that_refuses_the_flag_is_written_through_the_cache(tmp_path, monkeypatch):
    """Setting the flag fails as on tmpfs, and the bytes arrive all the same."""
    real = fcntl.fcntl

    def refusing(fd, command, *args):
        if command == fcntl.F_SETFL:
            raise OSError(errno.EINVAL, "no")
        return real(fd, command, *args)

    monkeypatch.setattr(fcntl, "fcntl", refusing)
    fd = opened(tmp_path / "file")
    assert STAGING.write(fd, [b"abc"]) == BLOCK_BYTES
    assert os.pread(fd, 3, 0) == b"abc"
    os.close(fd)


@pytest.mark.parametrize("at_once", [1_000, BLOCK_BYTES])
def test_short_writes_are_continued(tmp_path, monkeypatch, at_once):
    """A write that took only some bytes goes on past the cache while that is possible."""
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:at_once], at))
    fd = opened(tmp_path / "file")
    body = os.urandom(3 * BLOCK_BYTES)
    STAGING.write(fd, [body])
    os.close(fd)
    assert (tmp_path / "file").read_bytes() == body


def test_an_alignment_the_device_does_not_take_ends_direct_writing_only(tmp_path, monkeypatch):
    """A direct write that fails with EINVAL is repeated through the cache; others are raised."""
    real = os.pwrite

    def picky(fd, data, at):
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, "not aligned enough")
        return real(fd, data, at)

    monkeypatch.setattr(os, "pwrite", picky)
    fd = opened(tmp_path / "file")
    if not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT:
        pytest.skip("the file system of the temporary folder takes no direct writes")
    STAGING.write(fd, [b"abc"])
    assert os.pread(fd, 3, 0) == b"abc"
    os.close(fd)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EINVAL])
def test_an_error_of_the_disk_is_raised(tmp_path, monkeypatch, code):
    """An error of the disk is raised, also EINVAL if the write did not go past the cache."""

    def failing(*_args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "pwrite", failing)
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    with pytest.raises(OSError, match=os.strerror(code)):
        STAGING.write(fd, [b"abc"])
    os.close(fd)
