"""Locks this process into a sandbox, for good.

    only the three pipes stay open  →  another user, if it was root  →  limits  →  system calls

After `close_sandbox` the process can read and write its pipes, allocate memory and end. A system
call that is not on the list kills it, and so does a request for executable memory. A child that
receives files also keeps one socket, over which its parent hands it open descriptors.

The filter is written here instead of by `libseccomp`: it is a short list of numbers, and a binding
would have to look for the library at every start of a child, and might not find it.

Source: seccomp(2), prctl(2); `linux/filter.h`, `linux/audit.h`, `asm/unistd.h` of both machines.
"""

import contextlib
import ctypes
import os
import platform
import resource
import signal
from dataclasses import dataclass
from struct import Struct
from typing import Final

_MIB: Final = 1024 * 1024
_NOBODY: Final = 65_534
INBOX: Final = 3
"""The descriptor of the socket over which a child receives files."""

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_FILTER_MODE: Final = 2

_KILL: Final = 0x8000_0000
_ALLOW: Final = 0x7FFF_0000
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_NUMBER_AT: Final = 0
_MACHINE_AT: Final = 4
_PROTECTION_AT: Final = 32
"""The offset of the third argument in `struct seccomp_data`, lower half: PROT_… in both calls."""
_PROT_EXEC: Final = 4
_STATEMENT: Final = Struct("=HBBI")


@dataclass(frozen=True, slots=True)
class _Machine:
    audit_id: int
    calls: tuple[int, ...]
    mapping: tuple[int, ...]
    """The numbers of mmap and mprotect, which are allowed except for executable memory."""
    receiving: tuple[int, ...]
    """The number of recvmsg, for a child that receives files."""


_MACHINES: Final = {
    # read write close munmap brk mremap madvise rt_sigreturn getpid exit gettid futex
    # clock_gettime exit_group getrandom sched_yield
    "x86_64": _Machine(
        0xC000003E,
        (0, 1, 3, 11, 12, 25, 28, 15, 39, 60, 186, 202, 228, 231, 318, 24),
        (9, 10),
        (47,),
    ),
    "aarch64": _Machine(
        0xC00000B7,
        (63, 64, 57, 215, 214, 216, 233, 139, 172, 93, 178, 98, 113, 94, 278, 124),
        (222, 226),
        (212,),
    ),
}


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """The resources that a process may use after `close_sandbox`."""

    memory_bytes: int = 320 * _MIB
    """Address space: a replay of an hour takes 180 MiB, pictures of 4,096 by 4,096 take 265 MiB."""
    cpu_s: int = 5
    """Processor time until the parent grants more, which it does with every request."""
    most_cpu_s: int = 300
    """The most processor time that the parent can grant."""
    files: int = 0
    """The number of received files that may be open at once."""
    written_bytes: int = 0
    """The longest file that may be written, among those received open for writing."""


def close_sandbox(limits: SandboxLimits, *, inbox: int | None = None) -> bool:
    """Give up files, network, other processes and new programs; this cannot be undone.

    Call it after everything was imported and used once: loading a module later would open a file.

    Args:
        limits: The resources that the process may use.
        inbox: The socket over which the parent hands over files. It becomes descriptor 3.

    Returns:
        True if the kernel filters system calls. If it does not (another system, another processor,
        a container that forbids it), only the limits hold: the process can open neither file nor
        socket, since no descriptor is left, and start no process, but it can still call the kernel.
    """
    if inbox is None:
        os.closerange(INBOX, 4096)
    else:
        os.dup2(inbox, INBOX)
        os.closerange(INBOX + 1, 4096)
    _become_nobody()
    libc = ctypes.CDLL(None, use_errno=True)
    _set_limits(limits, pipes=INBOX if inbox is None else INBOX + 1)
    if platform.system() != "Linux":
        return False
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    machine = _MACHINES.get(platform.machine())
    return machine is not None and _filter_calls(libc, machine, receives=inbox is not None)


def _become_nobody() -> None:
    """Stop being root, so that the limits hold and the process owns no files."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # a container may forbid it
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _set_limits(limits: SandboxLimits, *, pipes: int) -> None:
    for limit, soft, hard in (
        (resource.RLIMIT_CPU, limits.cpu_s, limits.most_cpu_s),
        (resource.RLIMIT_FSIZE, limits.written_bytes, limits.written_bytes),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_NOFILE, pipes + limits.files, pipes + limits.files),
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
    ):
        resource.setrlimit(limit, (soft, hard))


def _filter_calls(libc: ctypes.CDLL, machine: _Machine, *, receives: bool) -> bool:
    calls = machine.calls + (machine.receiving if receives else ())
    program = _write_filter(machine, calls)
    code = ctypes.create_string_buffer(program, len(program))
    header = _Program(len(program) // _STATEMENT.size, ctypes.addressof(code))
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(header), 0, 0) == 0)


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]  # type: ignore[mutable-override]  # ctypes


def _write_filter(machine: _Machine, calls: tuple[int, ...]) -> bytes:
    """Write the filter as BPF statements; jumps skip some of the statements that follow."""
    statements = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, machine.audit_id),
        (_RETURN, 0, 0, _KILL),
        # On x86_64 the numbers of x32 have a bit of their own, so they match nothing below.
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for number in calls:
        statements += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for number in machine.mapping:
        statements += [
            (_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _PROTECTION_AT),
            (_ANY_BIT, 0, 1, _PROT_EXEC),
            (_RETURN, 0, 0, _KILL),
            (_RETURN, 0, 0, _ALLOW),
        ]
    statements.append((_RETURN, 0, 0, _KILL))
    return b"".join(_STATEMENT.pack(*statement) for statement in statements)
