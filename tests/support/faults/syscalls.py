"""Makes system calls of a running server fail, by strace, without changing the server.

It attaches to the process, which needs root. Root that may not trace fails the tests: skipped, they
would promise what nobody looked at.
"""

import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

CALLS: Final[dict[str, tuple[str, ...]]] = {
    "openat": ("openat",),
    "write": ("write", "writev", "pwrite64", "pwritev", "pwritev2"),
    "fsync": ("fsync",),
    "fdatasync": ("fdatasync",),
    "rename": ("rename", "renameat", "renameat2"),
    "unlink": ("unlink", "unlinkat"),
    "ftruncate": ("ftruncate", "fallocate"),
}
"""The calls that keep things, each with its other forms."""


def strace() -> str:
    """Return the program.

    Raises:
        AssertionError: It is not installed.
    """
    program = shutil.which("strace")
    assert program, "these tests need strace: apt-get install strace"
    return program


@contextmanager
def failing_calls(pid: int, calls: Sequence[str], fault: str, when: str) -> Iterator[None]:
    """Let calls of every thread of a process fail until the block ends.

    Args:
        pid: Which process.
        calls: Names of system calls.
        fault: `error=EIO`, `signal=SIGKILL`, as strace has it.
        when: Which of a thread's calls: `3`, or `1+` for each.
    """
    names = ",".join(calls)
    inject = f"inject={names}:{fault}:when={when}"
    command = [strace(), "-f", "-p", str(pid), "-e", f"trace={names}", "-e", inject]
    # What it writes of calls goes nowhere; of itself it tells on standard error.
    command += ["-o", "/dev/null"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        first_line = tracer.stderr.readline()
        assert " attached" in first_line, (
            f"strace cannot trace a process of ours: {first_line.strip()};"
            " run the tests as root, or set /proc/sys/kernel/yama/ptrace_scope to 0"
        )
        try:
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.stderr.read()
