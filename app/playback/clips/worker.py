"""Renders clips in the background, one at a time on each machine.

    row ─► claimed by one process, whose lease is renewed while it renders ─► ready │ failed
             └ killed: the lease runs out after 30 s, and another process begins anew

Projects take turns, so that none waits for all clips of another one. Short clips need not wait for
a long one: they are rendered between two of its groups of pictures.
"""

import asyncio
import contextlib
from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import Final, override

from app.core import clock, file_lock, log
from app.core.errors import MalformedInput, ServiceUnavailable
from app.core.ids import ProjectId
from app.core.running.repeated_worker import RepeatedWorker
from app.playback.clips.metrics import ClipMetrics
from app.playback.clips.render_task import ClipResources, make_clip
from app.replays.clips import queries, writes
from app.replays.clips.model import ClipTask

_LOCK: Final = "rendering.lock"
_RENEWED_S: Final = 1.0
_SHORT_MS: Final = 120_000
"""Clips of ranges up to this length are rendered while a longer one waits."""
_LONG_MS: Final = 300_000
_LOOK_S: Final = 0.5
"""The least pause between two looks for short clips during a long one."""
_MOST_BETWEEN: Final = 2
"""The most short clips of one look."""
_MOST_SERVED: Final = 1_000
"""The most projects whose turns are remembered; others come first."""
_MOST_TRIES: Final = 4
_AGAIN: Final = timedelta(seconds=20)

_logger: Final = log.get_logger("clips")


class ClipResult(StrEnum):
    """The result of rendering a clip."""

    READY = "ready"
    FAILED = "failed"
    POSTPONED = "postponed"
    DELETED = "deleted"


class ClipMaker(RepeatedWorker):
    """Renders clips in the background; each process with the role `worker` has one."""

    package = "clips"
    pause_s = 1.0
    waiting_message = "clips wait"
    failure_message = "clips failed"

    def __init__(self, resources: ClipResources) -> None:
        super().__init__()
        self._resources = resources
        self._served: dict[ProjectId, None] = {}
        """The projects that had a turn, the one whose turn was last at the end."""
        self.results: Counter[ClipResult] = Counter()
        self.metrics: Final = ClipMetrics()

    @override
    async def work(self) -> None:
        """Render all clips that are due, unless another process of this machine is rendering.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        async with self._resources.database.reading() as connection:
            waiting = await queries.count_waiting_clips(connection)
        self.metrics.set_waiting(waiting)
        if not waiting:
            return
        async with file_lock.try_file_lock(self._resources.folder / _LOCK) as is_held:
            while is_held and await self.make_next() is not None:
                pass

    async def make_next(self, *, most_ms: int | None = None) -> ClipResult | None:
        """Render the clip that is next.

        Args:
            most_ms: The longest range of the replay to take; None for any clip.

        Returns:
            The result; None if no clip is due.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        database = self._resources.database
        async with database.transaction() as connection:
            task = await writes.claim_clip(connection, most_ms=most_ms, served=tuple(self._served))
        if task is None:
            return None
        self._note_turn(task.clip.key.project_id)
        try:
            result = await self._make(task)
        except MalformedInput as error:
            result = await self._fail(task, str(error))
        except (ServiceUnavailable, OSError) as error:
            result = await self._postpone(task, error)
        except Exception:
            await self._fail(task, "Playhead failed; its log says how")
            raise
        self.results[result] += 1
        self.metrics.note_result(result.value)
        return result

    def _note_turn(self, project_id: ProjectId) -> None:
        self._served.pop(project_id, None)
        self._served[project_id] = None
        if len(self._served) > _MOST_SERVED:
            del self._served[next(iter(self._served))]

    async def _make(self, task: ClipTask) -> ClipResult:
        """Render a clip, and renew its lease meanwhile; a clip that is deleted is dropped."""
        if task.tries > _MOST_TRIES:
            # The last try neither ended nor was postponed: the process died, perhaps of this clip.
            return await self._fail(task, f"given up after {_MOST_TRIES} tries that never ended")
        progress = _ClipProgress(self, task)
        making = asyncio.create_task(make_clip(self._resources, task, progress.note), name="clip")
        try:
            while not making.done():
                await asyncio.wait([making], timeout=_RENEWED_S)
                if not making.done() and not await self._renew(task, progress.percent):
                    return ClipResult.DELETED
            rendered = making.result()
        finally:
            making.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await making
        if rendered is None:
            return ClipResult.DELETED
        self.metrics.note_cpu(rendered.cpu_s)
        return ClipResult.READY

    async def _renew(self, task: ClipTask, percent: int) -> bool:
        """Renew the lease. An outage of Postgres is ignored: if it lasts, the end notices it."""
        try:
            async with self._resources.database.transaction() as connection:
                return await writes.renew_lease(connection, task, percent=percent)
        except ServiceUnavailable:
            return True

    async def _fail(self, task: ClipTask, reason: str) -> ClipResult:
        _logger.warning("no clip", replay=task.clip.key.replay_id, reason=reason)
        async with self._resources.database.transaction() as connection:
            await writes.fail_clip(connection, task, reason)
        return ClipResult.FAILED

    async def _postpone(self, task: ClipTask, error: Exception) -> ClipResult:
        """Try again later; a clip that keeps failing is given up."""
        if task.tries >= _MOST_TRIES:
            return await self._fail(task, f"given up after {task.tries} tries: {error}")
        _logger.warning("a clip waits", replay=task.clip.key.replay_id, reason=str(error))
        async with self._resources.database.transaction() as connection:
            await writes.postpone_clip(connection, task, str(error), after=_AGAIN * task.tries)
        return ClipResult.POSTPONED


class _ClipProgress:
    """Notes the progress of a clip, and renders short clips while a long one is rendered."""

    def __init__(self, maker: ClipMaker, task: ClipTask) -> None:
        self._maker = maker
        wanted = task.clip.request.range
        self._is_long = wanted is None or wanted.length_ms > _LONG_MS
        self._look_at_s = clock.monotonic_s() + _LOOK_S
        self.percent = 0

    async def note(self, part: float) -> None:
        """Note the part that is rendered, from 0 to 1."""
        # The file is put into the store after that.
        self.percent = min(99, int(part * 100))
        began_s = clock.monotonic_s()
        if self._is_long and began_s >= self._look_at_s:
            await self._render_short_clips()
            ended_s = clock.monotonic_s()
            # However many short clips are asked for, the long one gets half of the time.
            self._look_at_s = ended_s + max(_LOOK_S, ended_s - began_s)

    async def _render_short_clips(self) -> None:
        """Render short clips that wait; a failure of one does not affect the long clip."""
        try:
            for _ in range(_MOST_BETWEEN):
                if await self._maker.make_next(most_ms=_SHORT_MS) is None:
                    return
        except Exception:
            _logger.exception("a short clip failed while a long one waited")
