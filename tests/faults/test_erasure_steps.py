"""F8, step by step: an erasure is cut off at each await of its own code in turn, and goes on after.

`test_erasures` kills whole servers at random steps; here every step of the worker and of the sweep
is met. A cut-off task rolls its transaction back, as Postgres does for a process that died.
"""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any

from app.core import clock
from app.erasure.jobs.begin import ErasureWish, begin_erasures
from app.erasure.jobs.model import ErasureKind, ErasureState
from app.erasure.jobs.scopes import make_person_scope
from app.erasure.jobs.worker import Eraser
from app.erasure.log.file import ErasureLog
from app.erasure.people.names import NameKind, PersonName
from app.erasure.sweep import sweep_once
from app.ingest.digest.link_issues import relink_replays
from tests.support import data_search, programme_size
from tests.support.builders import clips, envelopes
from tests.support.erasing import list_all
from tests.support.faults.kill_steps import _place
from tests.support.report import Report
from tests.support.servers.server import Server

CUTS = programme_size.rounds(ci=40, nightly=500)


class CutOff:
    """Runs a coroutine and cancels it at a step that lies in the product's code."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.steps = 0
        self.place: str | None = None

    async def run(self, coroutine: Coroutine[Any, Any, None]) -> bool:
        """Run it; returns whether it came to its end."""
        try:
            await self._step_through(coroutine)
        except asyncio.CancelledError:
            return False
        return True

    @types.coroutine
    def _step_through(self, coroutine: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
        value, send = None, coroutine.send
        while True:
            try:
                yielded = send(value)
            except StopIteration:
                return
            place = _place(coroutine, "")
            self.steps += place is not None
            self.left -= place is not None
            if self.left == 0 and self.place is None and place is not None:
                self.place = place
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                value = yield yielded
                send = coroutine.send
            except BaseException as error:  # noqa: BLE001 - whatever comes is for the coroutine
                value, send = error, coroutine.throw


async def erase_and_sweep(server: Server) -> None:
    """Do what the two workers of a server do, until all receipts are closed."""
    services = server.service.page_services
    eraser = Eraser(
        server.database,
        services.store,
        ErasureLog(services.settings.erasure_log_path),
        relink=relink_replays,
        find_backlog=lambda: None,
        list_unreachable=lambda: (),
        hurry_sweep=lambda: None,
    )
    while any(erasure.state is not ErasureState.FINISHED for erasure in await list_all(server)):
        await eraser.work()
        while await sweep_once(server.database, services.store):
            pass


async def begin_for(server: Server, number: int) -> str:
    """Send a replay and an error of a new person, and begin to erase them; return their id."""
    user, replay_id = f"person-{number:06}", f"{number:032x}"
    video = clips.clip(frames=2) + user.encode()
    named = {"id": user, "email": f"{user}@example.com"}
    await server.take(
        *(
            envelopes.replay_video_envelope(
                segment, replay_id=replay_id, trace_id=replay_id, video=video, user=named
            )
            for segment in range(2)
        ),
        envelopes.event_envelope(
            replay_id,
            replay_id=None,
            user={},
            extra={"customer": user},
            more_items=[envelopes.attachment_item(user.encode())],
        ),
    )
    scope = make_person_scope([PersonName(NameKind.ID, user)])
    wish = ErasureWish(ErasureKind.PERSON, server.app.id, scope, None, clock.now())
    await begin_erasures(server.database, [wish])
    return user


async def test_an_erasure_that_is_cut_off_at_any_step_ends_well(
    server: Server, report: Report
) -> None:
    """Whatever step was the last one, the next process erases the rest and closes the receipt."""
    services = server.service.page_services
    await services.eraser.stop()
    await services.sweeper.stop()
    await begin_for(server, 1)
    whole = CutOff(0)
    assert await whole.run(erase_and_sweep(server))
    places: set[str] = set()
    people = []
    for cut in range(CUTS):
        step = 1 + cut * whole.steps // CUTS
        people.append(await begin_for(server, 2 + cut))
        cut_off = CutOff(step)
        await asyncio.create_task(cut_off.run(erase_and_sweep(server)))
        places |= {cut_off.place} if cut_off.place else set()
        await erase_and_sweep(server)
    async with server.database.reading() as connection:
        assert await data_search.find_in_rows(connection, people) == []
    assert data_search.find_in_files(server.objects(), people) == []
    counts = [dict(erasure.counts) for erasure in await list_all(server)]
    assert counts == [{"replays": 1, "segments": 2, "events": 1, "issues": 1, "files": 1}] * (
        CUTS + 1
    )
    report.facts |= {"cuts": CUTS, "steps": whole.steps, "places": len(places)}
