"""Watches over workers: starts those that died again, and replaces all of them one by one.

    SIGHUP     each worker in turn: fork its successor ─► that listens ─► the old one stops
    SIGTERM    all workers stop, then Postgres; a worker that does not is killed
    death      the worker starts again: at once, and later and later if it keeps dying

The listening socket is the parent's. Workers that stop close their copy of it only, so connections
that wait to be accepted are served by the others.
"""

import os
import selectors
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.main import StartReport
from app.supervisor.worker_process import RunWorker, WorkerProcess, describe_exit

_LOOK_S: Final = 0.25
"""Longest pause between two looks at what is due."""
_HEALTHY_S: Final = 60.0
"""A worker that ran for so long is not one of a row of quick deaths."""
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_START_S: Final = 120.0
"""A successor that does not listen after so long is given up."""

_logger: Final = log.get_logger("supervisor")


class WatchedServer(Protocol):
    """Another server that the parent keeps running."""

    def watch(self) -> None:
        """Start it again if it has died."""


@dataclass(frozen=True, slots=True)
class StartObserver:
    """Functions of the parent that are told about the start."""

    on_ready: Callable[[StartReport], None]
    on_waiting: Callable[[str], None]


class _WorkerSlot:
    """The place of one worker, and the processes that have it or had it."""

    def __init__(self, number: int) -> None:
        self.number: Final = number
        self.worker: WorkerProcess | None = None
        self.successor: WorkerProcess | None = None
        self.retired: WorkerProcess | None = None
        self.quick_deaths = 0
        self.start_at_s = 0.0

    def list_processes(self) -> list[WorkerProcess]:
        return [each for each in (self.worker, self.successor, self.retired) if each is not None]

    def plan_restart(self, lived_s: float) -> float:
        """Note a death, and return the pause before the next start."""
        self.quick_deaths = self.quick_deaths + 1 if lived_s < _HEALTHY_S else 1
        exponent = self.quick_deaths - 2
        pause_s = 0.0 if exponent < 0 else min(_FIRST_PAUSE_S * 2**exponent, _LONGEST_PAUSE_S)
        self.start_at_s = clock.monotonic_s() + pause_s
        return pause_s


class Supervisor:
    """Runs workers until the process is told to stop."""

    def __init__(
        self,
        run_worker: RunWorker,
        workers: int,
        *,
        observer: StartObserver,
        postgres: WatchedServer | None,
        close_listener: Callable[[], None],
        patience_s: float,
    ) -> None:
        """Make a supervisor; `run` does the rest.

        Args:
            run_worker: Runs a worker, in its own process.
            workers: The number of workers.
            observer: Told about the start, once in all.
            postgres: The embedded Postgres, if there is one.
            close_listener: Closes the parent's copy of the socket when all workers stop, so that
                connections are refused as soon as no worker listens.
            patience_s: The time that a worker has to stop until it is killed.
        """
        self._run_worker = run_worker
        self._slots = [_WorkerSlot(number) for number in range(1, workers + 1)]
        self._observer = observer
        self._postgres = postgres
        self._close_listener = close_listener
        self._patience_s = patience_s
        self._selector = selectors.DefaultSelector()
        self._waiting_slots: deque[_WorkerSlot] = deque()
        """Slots whose workers are still to be replaced."""
        self._renewed_slot: _WorkerSlot | None = None
        self._reporter: WorkerProcess | None = None
        self._has_reported = self._has_listened = self._is_stopping = False
        self._problem: str | None = None

    def run(self) -> None:
        """Run the workers until told to stop.

        Raises:
            ServiceUnavailable: No worker could start; the message is that of the first.
        """
        with self._watching_signals():
            while not self._is_stopping or self._list_processes():
                self._take_steps()
                for key, _ in self._selector.select(_LOOK_S):
                    key.data()
        self._selector.close()
        if self._problem is not None:
            raise ServiceUnavailable(self._problem)

    def _take_steps(self) -> None:
        if self._postgres is not None:
            self._postgres.watch()
        for process in self._list_processes():
            process.kill_if_late()
        if self._is_stopping:
            return
        now_s = clock.monotonic_s()
        for slot in self._slots:
            if slot.worker is None and slot.successor is None and now_s >= slot.start_at_s:
                slot.worker = self._fork(slot)
        self._replace_next()

    def _stop(self) -> None:
        self._is_stopping = True
        self._close_listener()
        self._waiting_slots.clear()
        for process in self._list_processes():
            process.stop(self._patience_s)

    def _begin_rolling_restart(self) -> None:
        _logger.info("the workers are replaced one by one")
        self._waiting_slots = deque(self._slots)

    def _replace_next(self) -> None:
        """Do the next step of a rolling restart, if there is one to do now."""
        slot = self._renewed_slot
        if slot is None:
            if self._waiting_slots:
                slot = self._renewed_slot = self._waiting_slots.popleft()
                slot.successor = self._fork(slot)
        elif slot.successor is not None:
            if slot.successor.is_listening:
                slot.retired, slot.worker, slot.successor = slot.worker, slot.successor, None
                if slot.retired is not None:
                    slot.retired.stop(self._patience_s, drains=False)
            elif clock.monotonic_s() > slot.successor.started_s + _START_S:
                slot.successor.stop(0.0)
        elif slot.retired is None:
            self._renewed_slot = None

    def _fork(self, slot: _WorkerSlot) -> WorkerProcess:
        is_reporter = not self._has_reported and self._reporter is None
        process = WorkerProcess.fork(
            slot.number, self._run_worker, self._release, is_reporter=is_reporter
        )
        if is_reporter:
            self._reporter = process
        self._selector.register(process.pipe, selectors.EVENT_READ, lambda: self._hear(process))
        self._selector.register(
            process.pidfd, selectors.EVENT_READ, lambda: self._note_end(slot, process)
        )
        _logger.info("worker_started", worker=slot.number, pid=process.pid)
        return process

    def _release(self) -> None:
        """Close, in a forked worker, what belongs to the parent."""
        signal.set_wakeup_fd(-1)
        self._selector.close()
        for process in self._list_processes():
            process.release()

    def _hear(self, process: WorkerProcess) -> None:
        for message in process.read_messages():
            self._take_message(process, message)

    def _take_message(self, process: WorkerProcess, message: Mapping[str, Any]) -> None:
        match message:
            case {"listening": True}:
                process.is_listening = self._has_listened = True
            case {"waiting": str(reason)}:
                self._observer.on_waiting(reason)
            case {"ready": dict(report)}:
                self._has_reported = True
                self._observer.on_ready(StartReport(**report))
            case {"failure": str(problem)}:
                process.problem = problem
            case _:
                _logger.error("a worker says what this release does not know")

    def _note_end(self, slot: _WorkerSlot, process: WorkerProcess) -> None:
        self._hear(process)
        self._selector.unregister(process.pipe)
        self._selector.unregister(process.pidfd)
        status = process.collect()
        if process is self._reporter:
            self._reporter = None
        if process is slot.retired:
            slot.retired = None
        elif process is slot.successor:
            slot.successor = None
            self._give_up_restart(slot, process)
        else:
            slot.worker = None
            if not self._is_stopping:
                self._note_death(slot, process, status)

    def _give_up_restart(self, slot: _WorkerSlot, process: WorkerProcess) -> None:
        """End a rolling restart whose first new worker did not start; the others stay."""
        self._waiting_slots.clear()
        self._renewed_slot = None
        if not self._is_stopping:
            _logger.error(
                "a new worker does not start, the others are not replaced",
                worker=slot.number,
                reason=process.problem,
            )

    def _note_death(self, slot: _WorkerSlot, process: WorkerProcess, status: int) -> None:
        if process.problem is not None and not self._has_listened:
            # The settings or the surroundings are wrong, and would be the next time.
            self._problem = process.problem
            self._stop()
            return
        pause_s = slot.plan_restart(clock.monotonic_s() - process.started_s)
        _logger.error(
            "worker_died",
            worker=slot.number,
            pid=process.pid,
            reason=process.problem or describe_exit(status),
            starts_again_in_s=pause_s,
        )

    def _list_processes(self) -> list[WorkerProcess]:
        return [process for slot in self._slots for process in slot.list_processes()]

    def _watching_signals(self) -> "_SignalWatch":
        return _SignalWatch(
            self._selector,
            {
                signal.SIGTERM: self._stop,
                signal.SIGINT: self._stop,
                signal.SIGHUP: self._begin_rolling_restart,
            },
        )


class _SignalWatch:
    """Calls functions for signals, from the loop of a selector."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        actions: Mapping[signal.Signals, Callable[[], None]],
    ) -> None:
        self._selector = selector
        self._actions = actions
        self._ours, self._theirs = socket.socketpair()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        for each in (self._ours, self._theirs):
            os.set_blocking(each.fileno(), False)
        signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        for number in self._actions:
            self._before[number] = signal.signal(number, _ignore_in_handler)
        self._selector.register(self._ours, selectors.EVENT_READ, self._act)

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._selector.unregister(self._ours)
        self._ours.close()
        self._theirs.close()

    def _act(self) -> None:
        for number in self._read_numbers():
            if number in self._actions:
                self._actions[signal.Signals(number)]()

    def _read_numbers(self) -> Iterator[int]:
        try:
            yield from os.read(self._ours.fileno(), 1024)
        except BlockingIOError:
            return


def _ignore_in_handler(_number: int, _frame: object) -> None:
    """Do nothing: the number is in the socket by now."""
