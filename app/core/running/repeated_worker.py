"""A worker that repeats its work in the background: at once, after each pause, and when hurried."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar, Protocol

from app.core import log
from app.core.errors import ServiceUnavailable


class SingleTurn(Protocol):
    """Lets one process of all do some work."""

    async def perform(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do the work if it is this process's turn; returns whether it was."""

    async def give_up(self) -> None:
        """Let another process have its turn at once."""


class RepeatedWorker(ABC):
    """The background task of a worker; a subclass says what it does and how long it pauses."""

    package: ClassVar[str]
    """The name of its logger."""
    pause_s: float
    """The pause between two rounds of work that nobody hurries."""
    waiting_message: ClassVar[str]
    """The line of the log when Postgres or the storage does not answer."""
    failure_message: ClassVar[str]
    """The line of the log when a round fails in any other way; the next one comes all the same."""

    def __init__(self) -> None:
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.duty: SingleTurn | None = None
        """Set it before `start` if one process of all is to do this work."""

    @abstractmethod
    async def work(self) -> None:
        """Do what there is to do now.

        Raises:
            ServiceUnavailable: Postgres or the storage does not answer; it is tried again.
        """

    def start(self) -> None:
        """Begin to work: at once, when it is hurried, and after each pause."""
        self._task = asyncio.create_task(self._work_for_ever(), name=self.package)

    async def stop(self) -> None:
        """Stop; what is not done yet waits for the next process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.duty is not None:
            await self.duty.give_up()

    def hurry(self) -> None:
        """Work now, because there is something new to do in this process."""
        self._wanted.set()

    async def _work_for_ever(self) -> None:
        logger = log.get_logger(self.package)
        while True:
            self._wanted.clear()
            try:
                await (self.work() if self.duty is None else self.duty.perform(self.work))
            except ServiceUnavailable as error:
                logger.warning(self.waiting_message, error=str(error))
            except Exception:
                logger.exception(self.failure_message)
            try:
                await asyncio.wait_for(self._wanted.wait(), self.pause_s)
            except TimeoutError:
                continue
