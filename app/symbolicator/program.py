"""The program of the symbolicator's child, `python -m app.symbolicator.program`.

    an open debug file ─► symbolic ─► symcaches, written to another open file
    open symcaches, addresses ─► symbolic, pydemumble ─► functions, files, lines

Everything is loaded and used once, then the sandbox is closed, and only then the first untrusted
byte is read. The libraries are written in Rust and C++ and end the process when memory runs out.
"""

import os
import re
import socket
import sys
from typing import Final

from symbolic._lowlevel import ffi
from symbolic.debuginfo import Archive
from symbolic.exceptions import SymbolicError
from symbolic.symcache import SymCache, find_best_instruction

from app.children import messages, sandbox
from app.symbolicator import deriving, lookups, wire
from app.symbolicator.mapped import MappedFile

_LOW_PRIORITY: Final = 10
_FAILED: Final = 1
_WRITTEN_BYTES: Final = 1024 * 1024 * 1024
"""The most that symcaches of one file may take; they are a fifth of it."""
_MIB: Final = 1024 * 1024
_TRUSTED: Final = b"""MODULE Linux arm64 0123456789ABCDEF0123456789ABCDEF0 warm-up
FILE 0 warm/up.cpp
FUNC 1000 10 0 _ZN4warm2upEi
1000 10 7 0
"""
"""A debug file of one function; reading it loads everything that is loaded lazily."""
_TRUSTED_NAMES: Final = ("_ZN4warm2upEi", "$s4Warm2upyyF", "_RNvCs1_4warm2up", "up")


def main(memory_mib: str, cpu_s: str, inbox: str) -> None:
    """Serve the parent until it closes the pipe.

    Args:
        memory_mib: The address space that the child may take, in MiB.
        cpu_s: The most processor time that it may take in all, in seconds.
        inbox: The descriptor over which it receives files.
    """
    os.nice(_LOW_PRIORITY)
    # A panic is an error like others; describing where it happened would open files.
    os.environ["RUST_BACKTRACE"] = "0"
    warm_up()
    files, is_filtered = close_child(int(memory_mib), int(cpu_s), int(inbox))
    try:
        serve(files, is_filtered=is_filtered)
    except BaseException:  # noqa: BLE001 - a traceback would open source files
        os._exit(_FAILED)
    os._exit(0)


def close_child(memory_mib: int, cpu_s: int, inbox: int) -> tuple[socket.socket, bool]:
    """Close the sandbox.

    Returns:
        The socket over which files come, and whether the kernel filters system calls.
    """
    files = socket.socket(fileno=os.dup2(inbox, sandbox.INBOX))
    limits = sandbox.SandboxLimits(
        memory_bytes=memory_mib * _MIB,
        cpu_s=cpu_s,
        most_cpu_s=cpu_s,
        files=wire.MOST_FILES,
        written_bytes=_WRITTEN_BYTES,
    )
    return files, sandbox.close_sandbox(limits, inbox=sandbox.INBOX)


def warm_up() -> None:
    """Use everything once, with a debug file of our own."""
    archive = Archive.from_bytes(_TRUSTED)
    data = next(archive.iter_objects()).make_symcache().open_stream().read()
    symcache = SymCache.from_bytes(data)
    find_best_instruction(0x1004, symcache.arch, crashing_frame=False)
    symcache.lookup(0x1000)
    for name in _TRUSTED_NAMES:
        lookups.demangle_name(name)
    try:
        Archive.from_bytes(b"no debug file")
    except SymbolicError as error:
        wire.pack_body(wire.DeriveRequest(len(str(error))))
    request = wire.pack_body(wire.LookUpRequest([1], [wire.AddressQuestion(0, 1, 1)]))
    wire.unpack_body(request, wire.LookUpRequest)
    ffi.cast("uint8_t(*)[1]", 0)


def serve(files: socket.socket, *, is_filtered: bool) -> None:
    """Answer requests one after another."""
    messages.send_message(messages.READY, bytes((is_filtered,)))
    while (request := messages.receive_message()) is not None:
        kind, body = request
        if kind == wire.DERIVE:
            messages.send_message(*_derive(wire.unpack_body(body, wire.DeriveRequest), files))
        else:
            messages.send_message(*_look_up(wire.unpack_body(body, wire.LookUpRequest), files))


def _derive(request: wire.DeriveRequest, files: socket.socket) -> tuple[int, bytes]:
    source, target = _receive_files(files, 2)
    try:
        with MappedFile(source, request.size_bytes) as file:
            answer = deriving.derive_symcaches(file, target)
    except deriving.UnusableFileError as error:
        return wire.REFUSED, str(error).encode()
    except SymbolicError as error:
        causes = re.sub(r"\n\s*caused by", "", str(error))
        return wire.REFUSED, f"it cannot be read: {causes}".encode()
    finally:
        os.close(target)
    return wire.DERIVED, wire.pack_body(answer)


def _look_up(request: wire.LookUpRequest, files: socket.socket) -> tuple[int, bytes]:
    descriptors = _receive_files(files, len(request.sizes))
    return wire.FOUND, wire.pack_body(lookups.look_up_addresses(request, descriptors))


def _receive_files(files: socket.socket, count: int) -> list[int]:
    _, descriptors, _, _ = socket.recv_fds(files, 1, count)
    if len(descriptors) != count:
        raise ValueError("the parent handed over another number of files")
    return descriptors


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.exit(_FAILED)
