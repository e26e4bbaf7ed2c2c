"""Puts uploaded files together in the background, and makes debug files of them.

    claim ─► put together ─► derive ─► keep ─┬► known, the assembly is forgotten
      │                                      ├► broken: the fault is noted
      │                                      └► not possible now: released, with a growing pause
      └ renewed every 20 s, so that another process takes over when this one dies

The process that was asked for a file begins at once. What a process leaves when it dies is found by
the next question of the uploader, and by the workers of all processes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final, override
from weakref import WeakValueDictionary

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import log
from app.core.errors import NotFound, RequestRefused, ServiceUnavailable
from app.core.ids import ProjectId
from app.core.running.repeated_worker import RepeatedWorker
from app.debug_files import assemblies, chunks
from app.debug_files.assemblies import LEASE, FileAssembly
from app.debug_uploads.deriving.derive import UnneededFile, derive_debug_file
from app.debug_uploads.keep_file import keep_debug_file
from app.debug_uploads.model import UploadedFile
from app.debug_uploads.put_together import ChunkMissing, WholeFile, put_together
from app.debug_uploads.services import UploadServices

_AT_ONCE: Final = 2
"""Files that one process puts together at the same time; each has some megabytes in memory."""
_MOST_ATTEMPTS: Final = 40
"""The tries before a file is given up; with their pauses, storage may be away for some hours."""
_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=10)
_RENEWALS: Final = 3
"""Times that a claim is renewed within its lease."""
_GAVE_UP: Final = (
    "the server has tried {} times to read this file and has not finished; see its log, and upload "
    "the file again"
)

_logger: Final = log.get_logger("debug_uploads.assembler")


class Assembler(RepeatedWorker):
    """The background work that puts files together; any number of processes may do it.

    `start` makes it look for files that others have left. `begin` works without it.
    """

    package = "debug_uploads.assembler"
    pause_s = 15.0
    waiting_message = "uploads wait"
    failure_message = "an upload failed"

    def __init__(self, services: UploadServices) -> None:
        """Make an assembler; it does nothing yet."""
        super().__init__()
        self._services = services
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._project_turns: WeakValueDictionary[ProjectId, asyncio.Semaphore] = (
            WeakValueDictionary()
        )
        """The turns of each project, given in the order of asking. A project asks for no more than
        there are, so its backlog does not delay others. Removed with its last task."""
        self._last_project = 0

    def begin(self, project_id: ProjectId, assembly_ids: Iterable[int]) -> None:
        """Begin with some files, unless somebody works on them already."""
        turns = self._project_turns.setdefault(project_id, asyncio.Semaphore(_AT_ONCE))
        for assembly_id in assembly_ids:
            if assembly_id not in self._running:
                task = asyncio.create_task(self._assemble(assembly_id, turns), name=self.package)
                self._running[assembly_id] = task
                task.add_done_callback(partial(self._forget, assembly_id))

    async def wait(self, assembly_ids: Iterable[int], *, timeout_s: float) -> None:
        """Wait until this process has done what it can for some files, or the time is over."""
        tasks = [self._running[each] for each in assembly_ids if each in self._running]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)

    @override
    async def work(self) -> None:
        while True:
            async with self._turns:
                async with self._services.database.transaction() as connection:
                    assembly = await assemblies.claim_assembly(
                        connection, after_project=self._last_project
                    )
                if assembly is None:
                    return
                self._last_project = assembly.wanted.project_id
                await self._work_on(assembly)

    @override
    async def stop(self) -> None:
        await super().stop()
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, assembly_id: int, _: "asyncio.Task[None]") -> None:
        self._running.pop(assembly_id, None)

    async def _assemble(self, assembly_id: int, project_turns: asyncio.Semaphore) -> None:
        async with project_turns, self._turns:
            try:
                async with self._services.database.transaction() as connection:
                    assembly = await assemblies.claim_assembly(connection, assembly_id)
                if assembly is not None:
                    await self._work_on(assembly)
            except ServiceUnavailable as error:
                _logger.warning(self.waiting_message, error=str(error))
            except Exception:
                _logger.exception(self.failure_message)

    async def _work_on(self, assembly: FileAssembly) -> None:
        """Make a debug file of one that is claimed, or note why that cannot be done."""
        try:
            if assembly.attempts > _MOST_ATTEMPTS:
                await self._note_fault(assembly, _GAVE_UP.format(_MOST_ATTEMPTS))
                return
            async with self._holding(assembly):
                await self._make_debug_file(assembly)
        except (RequestRefused, NotFound) as error:
            await self._note_fault(assembly, str(error))
        except UnneededFile:
            await self._note_fault(assembly, "")
        except (ServiceUnavailable, TimeoutError) as error:
            _logger.warning("an upload is put off", sha1=assembly.wanted.sha1, error=str(error))
            await self._put_off(assembly)
        except asyncio.CancelledError:
            # The process ends: another one may begin at once.
            await asyncio.shield(self._put_off(assembly, pause=timedelta(0)))
            raise
        except Exception:
            _logger.exception("an upload failed", sha1=assembly.wanted.sha1)
            await self._put_off(assembly)

    async def _make_debug_file(self, assembly: FileAssembly) -> None:
        services = self._services
        try:
            whole = await self._put_together(assembly)
        except ChunkMissing as missing:
            # The uploader sends again what its next question finds to be missing. A row without its
            # object comes from a backup, which has no chunks: the others are gone as well.
            async with services.database.transaction() as connection:
                await assemblies.finish_assembly(connection, assembly)
                if missing.has_row:
                    await chunks.delete_chunks(connection, assembly.token_id, assembly.chunks)
            return
        with whole.file:
            upload = _describe_upload(assembly, whole)
            derived = await derive_debug_file(upload, services)

        async def finish(connection: AsyncConnection) -> bool:
            is_own = await assemblies.finish_assembly(connection, assembly)
            if is_own:
                await chunks.mark_used_up(connection, assembly.token_id, assembly.chunks)
            return is_own

        try:
            await keep_debug_file(services, upload, derived, before_commit=finish)
        finally:
            derived.close()

    async def _put_together(self, assembly: FileAssembly) -> WholeFile:
        services = self._services
        async with services.database.transaction() as connection:
            known = await chunks.find_chunks(
                connection, assembly.token_id, frozenset(assembly.chunks)
            )
        for checksum in assembly.chunks:
            if checksum not in known:
                raise ChunkMissing(has_row=False)
        ordered = [known[checksum] for checksum in assembly.chunks]
        return await put_together(
            services.objects, services.folder, assembly.wanted.sha1, chunks=ordered
        )

    @asynccontextmanager
    async def _holding(self, assembly: FileAssembly) -> AsyncIterator[None]:
        """Hold a claim while the block runs; the block ends with TimeoutError if it is lost."""
        async with asyncio.timeout(None) as deadline:
            renewing = asyncio.create_task(self._renew_for_ever(assembly, deadline))
            try:
                yield
            finally:
                renewing.cancel()
                await asyncio.gather(renewing, return_exceptions=True)

    async def _renew_for_ever(self, assembly: FileAssembly, deadline: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LEASE.total_seconds() / _RENEWALS)
            with contextlib.suppress(ServiceUnavailable):
                async with self._services.database.transaction() as connection:
                    if not await assemblies.renew_claim(connection, assembly):
                        deadline.reschedule(loop.time())
                        return

    async def _note_fault(self, assembly: FileAssembly, fault: str) -> None:
        async with self._services.database.transaction() as connection:
            # Whoever has claimed it meanwhile still needs its chunks.
            if await assemblies.note_fault(connection, assembly, fault):
                await chunks.mark_used_up(connection, assembly.token_id, assembly.chunks)

    async def _put_off(self, assembly: FileAssembly, pause: timedelta | None = None) -> None:
        if pause is None:
            pause = min(_PAUSE * 2 ** min(assembly.attempts, 10), _LONGEST_PAUSE)
        with contextlib.suppress(ServiceUnavailable):
            async with self._services.database.transaction() as connection:
                await assemblies.release_claim(connection, assembly, pause=pause)


def _describe_upload(assembly: FileAssembly, whole: WholeFile) -> UploadedFile:
    wanted = assembly.wanted
    return UploadedFile(
        wanted.project_id,
        assembly.name,
        whole.file,
        wanted.sha1,
        whole.sha256,
        whole.size_bytes,
        token_id=assembly.token_id,
        debug_id=wanted.debug_id,
        release=wanted.release,
        dist=wanted.dist,
        is_bundle=wanted.is_bundle,
    )
