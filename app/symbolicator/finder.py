"""Finds the functions and lines of addresses in symcaches, in a child.

    event ─► AddressFinder.look_up ─► child for this project ─► locations, kept for the next event

What the child sends is checked, and any fault ends it. A child sees the symcaches of one project
only, so a name that breaks a child's reader changes the stacks of its own project at worst.
"""

import asyncio
import os
from collections.abc import Coroutine, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from app.children.process import ChildProcess, ChildTimeouts, command_of, start_child
from app.core.errors import MalformedInput, ServiceUnavailable
from app.symbolicator import wire
from app.symbolicator.child import DEFAULT_MEMORY_MIB, PROGRAM, make_child_kind

_CPU_S: Final = 60
"""Processor time after which a child that looks up addresses is replaced by another."""
_ANSWER_CPU_S: Final = 5
_IDLE_S: Final = 60.0

_KIND: Final = make_child_kind(
    gave_up="the symbolicator's child gave up on a symcache",
    too_slow="looking up addresses takes more than",
)


@dataclass(frozen=True, slots=True)
class Symcache:
    """An open symcache."""

    descriptor: int
    """Open for reading only."""
    size_bytes: int


class _Request:
    """A request with descriptors of its own: the caller may close its files and be gone."""

    def __init__(
        self,
        owner: object,
        symcaches: Sequence[Symcache],
        questions: Sequence[wire.AddressQuestion],
    ) -> None:
        sizes = [each.size_bytes for each in symcaches]
        self.owner: Final = owner
        self.questions: Final = len(questions)
        self.body: Final = wire.pack_body(wire.LookUpRequest(sizes, list(questions)))
        self.is_abandoned = False
        self.descriptors: Final[list[int]] = []
        try:
            for each in symcaches:
                self.descriptors.append(os.dup(each.descriptor))
        except OSError as error:
            self.close()
            raise ServiceUnavailable("no more files can be opened") from error

    def close(self) -> None:
        """Close the descriptors."""
        while self.descriptors:
            os.close(self.descriptors.pop())


class AddressFinder:
    """Finds functions and lines of addresses in symcaches; use it from one event loop.

    One child is at work for one project. Another is started and waits, unused, so that the next
    project need not wait for a start. Both end when no event has needed them for a minute.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._owner: object = None
        self._child: ChildProcess | None = None
        self._spare: asyncio.Task[ChildProcess] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[wire.LookUpAnswer]] = set()
        self._endings: set[asyncio.Task[None]] = set()

    async def look_up(
        self,
        owner: object,
        symcaches: Sequence[Symcache],
        questions: Sequence[wire.AddressQuestion],
    ) -> wire.LookUpAnswer:
        """Find the locations of addresses.

        When the caller is cancelled, the child goes on to its answer, which is dropped: ending it
        would cost the events that follow a start. A request whose turn has not come is dropped.

        Args:
            owner: The project whose symcaches these are.
            symcaches: At most `wire.MOST_FILES`.
            questions: At most `wire.MOST_ADDRESSES`.

        Returns:
            The locations of each address, innermost function first; none for an address that the
            symcache does not cover.

        Raises:
            MalformedInput: A symcache or a name in it ends the child.
            ServiceUnavailable: The child cannot be started.
        """
        request = _Request(owner, symcaches, questions)
        task = asyncio.create_task(self._serve(request), name="symbolicator: look up")
        self._tasks.add(task)
        task.add_done_callback(self._finish_task)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            request.is_abandoned = True
            raise

    async def close(self) -> None:
        """Stop looking up, and end all children."""
        if self._idle is not None:
            self._idle.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._end_children()
        await asyncio.gather(*self._endings)

    def _finish_task(self, task: asyncio.Task[wire.LookUpAnswer]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left who asks for it

    async def _serve(self, request: "_Request") -> wire.LookUpAnswer:
        with closing(request):
            async with self._turn:
                if request.is_abandoned:
                    raise asyncio.CancelledError
                if self._idle is not None:
                    self._idle.cancel()
                try:
                    return await self._ask_twice(request)
                finally:
                    loop = asyncio.get_running_loop()
                    self._idle = loop.call_later(_IDLE_S, self._end_children)

    async def _ask_twice(self, request: "_Request") -> wire.LookUpAnswer:
        is_fresh = self._owner != request.owner or self._child is None
        try:
            return await self._ask(request)
        except MalformedInput:
            if is_fresh:
                raise
            # It may have ended for another reason, such as its processor time being used up.
            return await self._ask(request)

    async def _ask(self, request: "_Request") -> wire.LookUpAnswer:
        try:
            child = await self._take_child(request.owner)
            _, body = await child.ask(
                wire.LOOK_UP, request.body, expected=(wire.FOUND,), files=request.descriptors
            )
            answer = wire.unpack_body(body, wire.LookUpAnswer)
        except BaseException:  # also if it is cancelled: the next answer would be this one
            self._drop_child()
            raise
        if len(answer.locations) != request.questions:
            self._drop_child()
            raise MalformedInput("the symbolicator's child answered another number of questions")
        return answer

    async def _take_child(self, owner: object) -> ChildProcess:
        if self._child is not None and self._owner == owner:
            return self._child
        self._drop_child()
        spare = self._spare or _start_lookup_child()
        self._spare = spare
        try:
            self._child = await asyncio.shield(spare)
        except Exception:
            # Whatever it was, another start may succeed; this one would fail for ever.
            self._spare = None
            raise
        self._owner = owner
        self._spare = _start_lookup_child()
        return self._child

    def _drop_child(self) -> None:
        if self._child is not None:
            self._end_later(self._child.end())
        self._child = self._owner = None

    def _end_children(self) -> None:
        self._drop_child()
        if self._spare is not None:
            self._end_later(_end_started(self._spare))
            self._spare = None

    def _end_later(self, ending: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(ending, name="symbolicator: end a child")
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)


def _start_lookup_child() -> asyncio.Task[ChildProcess]:
    command = (*command_of(PROGRAM), str(DEFAULT_MEMORY_MIB), str(_CPU_S))
    start = start_child(_KIND, command, ChildTimeouts(cpu_s=_ANSWER_CPU_S))
    return asyncio.create_task(start, name="symbolicator: start a child")


async def _end_started(start: asyncio.Task[ChildProcess]) -> None:
    """End a child that may still be starting."""
    try:
        child = await start
    except Exception:  # noqa: BLE001 - there is no child to end, and nobody waits for it
        return
    await child.end()
