"""Stopwatches on functions of the application: how much CPU time of its thread each stage takes.

    with Watches(STAGES, loop_thread) as watches: …        watches.spent_s["inflate"]

A function is replaced by a watched one in every module of `app` that names it. Time counts for the
innermost watch that runs, so stages add up. A coroutine is timed while it runs, not while it waits.
A call costs about a microsecond more, so watch only functions that are called once an item.
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

_PACKAGE: Final = "app"


class Watches:
    """Watches functions of the current thread inside a `with` block."""

    def __init__(self, stages: Mapping[str, Sequence[str]]) -> None:
        """Prepare the watches.

        Args:
            stages: The functions of each stage: `package.module:function` or `…:Class.method`.
        """
        self.spent_s: dict[str, float] = defaultdict(float)
        self._stages = stages
        self._thread = threading.get_ident()
        self._running: list[str] = []
        self._since_s = 0.0
        self._undo: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        """Replace every function by a watched one.

        Raises:
            AttributeError: A function is missing, so the stages are older than the code.
        """
        for stage, names in self._stages.items():
            for name in names:
                module, _, path = name.partition(":")
                self._watch(stage, importlib.import_module(module), path)
        return self

    def __exit__(self, *_error: object) -> None:
        """Put the functions back."""
        while self._undo:
            self._undo.pop()()

    def _watch(self, stage: str, module: Any, path: str) -> None:
        *owners, name = path.split(".")
        owner = functools.reduce(getattr, owners, module)
        function = getattr(owner, name)
        watched = self._make_watched(stage, function)
        if owners:
            self._replace(owner, name, watched)
            return
        modules = [each for key, each in sys.modules.items() if key.partition(".")[0] == _PACKAGE]
        for each in modules:
            for attribute, value in list(vars(each).items()):
                if value is function:
                    self._replace(each, attribute, watched)

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        before = vars(owner)[name]
        setattr(owner, name, value)
        self._undo.append(lambda: setattr(owner, name, before))

    def _make_watched(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def watched_steps(*args: Any, **fields: Any) -> Any:
                return await _TimedSteps(self, stage, function(*args, **fields))

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
        """Pause the watch that runs, and start that of a stage."""
        self._add_elapsed()
        self._running.append(stage)

    def end(self) -> None:
        """Stop the watch, and resume the one before it."""
        self._add_elapsed()
        self._running.pop()

    def _add_elapsed(self) -> None:
        now_s = time.thread_time()
        if self._running:
            self.spent_s[self._running[-1]] += now_s - self._since_s
        self._since_s = now_s


class _TimedSteps:
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
            except BaseException as error:  # noqa: BLE001 - handed on to the coroutine
                step, given = self._inner.throw, error
