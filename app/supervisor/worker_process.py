"""A forked worker, as its parent sees it, and the pipe through which it tells how it goes."""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Final, NoReturn

from app.core import clock, log
from app.core.errors import ReplayError
from app.main import StartReport

_SET_DEATH_SIGNAL: Final = 1
"""PR_SET_PDEATHSIG. Source: prctl(2)."""
_READ_BYTES: Final = 65_536

_logger: Final = log.get_logger("supervisor")


class WorkerVoice:
    """The end of a pipe with which a worker talks to its parent."""

    def __init__(self, descriptor: int, *, is_reporter: bool) -> None:
        """Speak into a pipe.

        Args:
            descriptor: The end of the pipe that is written to.
            is_reporter: True if this worker is the one that reports the start.
        """
        self._descriptor = descriptor
        self.is_reporter: Final = is_reporter

    def tell_listening(self) -> None:
        """Tell that the worker accepts connections."""
        self._tell({"listening": True})

    def tell_waiting(self, reason: str) -> None:
        """Tell that the worker listens and why its database cannot be used yet."""
        self._tell({"waiting": reason})

    def tell_ready(self, report: StartReport) -> None:
        """Tell what a person needs now that the database can be used."""
        self._tell({"ready": asdict(report)})

    def tell_failure(self, problem: str) -> None:
        """Tell why the worker ends."""
        self._tell({"failure": problem})

    def _tell(self, message: dict[str, Any]) -> None:
        os.write(self._descriptor, json.dumps(message).encode() + b"\n")


RunWorker = Callable[[int, WorkerVoice], None]
"""Runs the worker of a number until it is told to stop; called in the forked process."""


class WorkerProcess:
    """A worker that runs, or whose end was not noticed yet."""

    def __init__(self, number: int, pid: int, pipe: int) -> None:
        self.number: Final = number
        self.pid: Final = pid
        self.pipe: Final = pipe
        """Readable when the worker tells something."""
        self.pidfd: Final = os.pidfd_open(pid)
        """Readable when the worker has ended."""
        self.started_s: Final = clock.monotonic_s()
        self.kill_at_s: float | None = None
        """The time at which it is killed, if it was told to stop."""
        self.is_listening = False
        self.problem: str | None = None
        """The reason why it ended, if it said so."""
        self._unread = b""

    @classmethod
    def fork(
        cls, number: int, run_worker: RunWorker, release: Callable[[], None], *, is_reporter: bool
    ) -> "WorkerProcess":
        """Fork a worker.

        Args:
            number: The place of the worker, from 1 on; its successor has it, too.
            run_worker: Called in the new process.
            release: Called in the new process before; closes what belongs to the parent.
            is_reporter: True if this worker is the one that reports the start.
        """
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        parent_pid = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            release()
            _run_child(number, run_worker, WorkerVoice(theirs, is_reporter=is_reporter), parent_pid)
        os.close(theirs)
        return cls(number, pid, ours)

    def read_messages(self) -> Iterator[dict[str, Any]]:
        """Yield what the worker has told since the last call."""
        try:
            while received := os.read(self.pipe, _READ_BYTES):
                self._unread += received
        except BlockingIOError:
            pass
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            message: dict[str, Any] = json.loads(line)
            yield message

    def stop(self, patience_s: float, *, drains: bool = True) -> None:
        """Tell the worker to stop.

        Args:
            patience_s: Time after which it is killed.
            drains: True if it lets load balancers turn away first (`PLAYHEAD_DRAIN_S`). They must
                not while another worker goes on serving the port, since they ask the port.
        """
        if self.kill_at_s is None:
            self.kill_at_s = clock.monotonic_s() + patience_s
            number = signal.SIGTERM if drains else signal.SIGINT
            signal.pidfd_send_signal(self.pidfd, number)

    def kill_if_late(self) -> None:
        """Kill the worker if it was told to stop and does not."""
        if self.kill_at_s is not None and clock.monotonic_s() >= self.kill_at_s:
            _logger.error("a worker does not stop and is killed", worker=self.number, pid=self.pid)
            self.kill_at_s = None
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def collect(self) -> int:
        """Take the exit status of a worker that has ended, and let go of it."""
        _, status = os.waitpid(self.pid, 0)
        self.release()
        return os.waitstatus_to_exitcode(status)

    def release(self) -> None:
        """Close the descriptors of a worker."""
        os.close(self.pipe)
        os.close(self.pidfd)


def describe_exit(status: int) -> str:
    """Say how a worker ended that told no reason: `killed by SIGKILL`, `ended with status 3`.

    Args:
        status: The exit status, or the negative number of the signal that killed it.
    """
    if status >= 0:
        return f"ended with status {status}"
    known = {each.value: each.name for each in signal.Signals}
    return f"killed by {known.get(-status, f'signal {-status}')}"


def _run_child(number: int, run_worker: RunWorker, voice: WorkerVoice, parent_pid: int) -> NoReturn:
    """Be a worker until told to stop."""
    status = 1
    try:
        # A parent that is killed takes its workers along: they stop as at any SIGTERM.
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)
        # Ctrl-C is for the parent alone, which then stops its workers in order.
        os.setpgid(0, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number_of_signal in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number_of_signal, signal.SIG_DFL)
        if os.getppid() == parent_pid:
            run_worker(number, voice)
        status = 0
    except (ReplayError, OSError) as error:
        voice.tell_failure(str(error))
    except BaseException as error:
        _logger.exception("a worker failed", worker=number)
        voice.tell_failure(f"{type(error).__name__}: {error}")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
