"""Stopwatches on functions of the application: how much CPU time of its thread each stage takes.

    with Watches(STAGES, loop_thread) as watches: …        watches.spent_s["inflate"]

A watch is put on a function wherever a module of `app` has it by name. Time belongs to the
innermost watch that runs, so stages add up. A coroutine is timed while it runs, not while it
waits. One call costs about a microsecond, so watches belong on what is called once an item.
"""

import functools
import importlib
import inspect
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final, Self

_HOUSE: Final = "app"


class Watches:
    """Watches that run while it is entered; for functions that one thread calls."""

    def __init__(self, stages: Mapping[str, Sequence[str]]) -> None:
        """Put them on.

        Args:
            stages: Of each stage the functions: `package.module:function` or `…:Class.method`.
        """
        self.spent_s: dict[str, float] = defaultdict(float)
        self._stages = stages
        self._thread = threading.get_ident()
        self._running: list[str] = []
        self._since_s = 0.0
        self._undo: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        """Put a watch on every function.

        Raises:
            AttributeError: A function is not there: the table is older than the code.
        """
        for stage, names in self._stages.items():
            for name in names:
                module, _, path = name.partition(":")
                self._watch(stage, importlib.import_module(module), path)
        return self

    def __exit__(self, *_error: object) -> None:
        """Take the watches off."""
        while self._undo:
            self._undo.pop()()

    def _watch(self, stage: str, module: Any, path: str) -> None:
        *owners, name = path.split(".")
        owner = functools.reduce(getattr, owners, module)
        function = getattr(owner, name)
        watched = self._watched(stage, function)
        if owners:
            self._put(owner, name, watched)
            return
        for each in [one for key, one in sys.modules.items() if key.partition(".")[0] == _HOUSE]:
            for place, value in list(vars(each).items()):
                if value is function:
                    self._put(each, place, watched)

    def _put(self, owner: Any, name: str, value: Any) -> None:
        before = vars(owner)[name]
        setattr(owner, name, value)
        self._undo.append(lambda: setattr(owner, name, before))

    def _watched(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def watched_steps(*args: Any, **fields: Any) -> Any:
                return await _Steps(self, stage, function(*args, **fields))

            return watched_steps

        @functools.wraps(function)
        def watched(*args: Any, **fields: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*args, **fields)
            self.begin(stage)
            try:
                return function(*args, **fields)
            finally:
                self.end()

        return watched

    def begin(self, stage: str) -> None:
        """Stop the watch that runs, and start that of a stage."""
        self._note()
        self._running.append(stage)

    def end(self) -> None:
        """Stop the watch, and let the one before go on."""
        self._note()
        self._running.pop()

    def _note(self) -> None:
        now_s = time.thread_time()
        if self._running:
            self.spent_s[self._running[-1]] += now_s - self._since_s
        self._since_s = now_s


class _Steps:
    """A coroutine whose steps are timed."""

    def __init__(self, watches: Watches, stage: str, inner: Any) -> None:
        self._watches = watches
        self._stage = stage
        self._inner = inner

    def __await__(self) -> Generator[Any, Any, Any]:
        step, given = self._inner.send, None
        while True:
            self._watches.begin(self._stage)
            try:
                waited_for = step(given)
            except StopIteration as end:
                return end.value
            finally:
                self._watches.end()
            try:
                step, given = self._inner.send, (yield waited_for)
            except BaseException as error:  # noqa: BLE001 - handed on to whom it belongs
                step, given = self._inner.throw, error
