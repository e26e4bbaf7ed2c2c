"""Begins an erasure: one transaction hides the replays and what indexes find beside them.

    job ─► replays hidden, tombstones ─► what an index finds beside them ─► audit line ─► commit

If the replays are few, their parts are deleted in the same transaction. Data that must be searched
row by row, such as a name inside the data of a span, is deleted by the steps that follow.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit_writes
from app.audit.model import Action
from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId, ReplayId
from app.db.engine import Database
from app.erasure.jobs import hide, rows, scopes
from app.erasure.jobs.hide import HidingResult
from app.erasure.jobs.model import Erasure, ErasureAct, ErasureKind, ErasureState
from app.erasure.jobs.phases import PHASES, SWEEP
from app.erasure.jobs.scopes import ErasureScope, PersonScope, ReplaysScope
from app.erasure.jobs.steps import ErasureStep, StepResult
from app.erasure.log import lines
from app.projects import erase as project_erase, queries as project_queries
from app.replays.deletion import hiding
from app.replays.model import ReplayKey

AT_ONCE: Final = 50
"""The most replays whose parts are deleted with the first transaction: a page of the list."""
GONE_PROJECT: Final = "a deleted project"
_ACTIONS: Final = {
    ErasureKind.REPLAY: Action.REPLAY_DELETED,
    ErasureKind.REPLAYS: Action.REPLAYS_ERASED,
    ErasureKind.PERSON: Action.PERSON_ERASED,
    ErasureKind.RANGE: Action.RANGE_ERASED,
    ErasureKind.PROJECT: Action.PROJECT_ERASED,
}


@dataclass(frozen=True, slots=True)
class ErasureWish:
    """A request to erase something in one project."""

    kind: ErasureKind
    project_id: ProjectId
    scope: ErasureScope
    person_id: PersonId | None
    """None for the command line."""
    at: datetime
    keys: tuple[ReplayKey, ...] = ()
    """The replays of a `ReplaysScope`; empty for other scopes."""
    act_id: str = field(default_factory=rows.new_act_id)


async def begin_erasures(database: Database, wishes: Sequence[ErasureWish]) -> ErasureAct:
    """Begin the erasures of one act, each in a transaction of its own.

    A project in which nothing is left to erase is skipped.

    Returns:
        The act with its erasures, in the order of the wishes.

    Raises:
        NotFound: Everything is deleted already.
        ServiceUnavailable: Postgres does not answer.
    """
    act_id = wishes[0].act_id
    begun: list[Erasure] = []
    held = 0
    for wish in wishes:
        try:
            async with database.transaction() as connection:
                erasure, hidden = await begin_erasure(connection, replace(wish, act_id=act_id))
        except NotFound:
            continue
        begun.append(erasure)
        held += hidden.held
    if not begun:
        raise NotFound("all of it is deleted already")
    return ErasureAct(act_id, tuple(begun), held)


async def begin_erasure(
    connection: AsyncConnection, wish: ErasureWish
) -> tuple[Erasure, HidingResult]:
    """Begin an erasure in the transaction of the caller.

    Returns:
        The job, and the numbers of replays that were hidden and held.

    Raises:
        NotFound: There is no such project, or none of the replays exists.
    """
    erasure = await _add_job(connection, wish)
    hidden = await hide.hide_scope(connection, erasure, keys=wish.keys, at=wish.at)
    if isinstance(wish.scope, ReplaysScope) and not (hidden.replays or hidden.held):
        raise NotFound("these replays are deleted already")
    if wish.kind is ErasureKind.PROJECT and not hidden.held:
        await project_erase.delete_project(connection, wish.project_id)
        await lines.add_project_line(connection, erasure, at=wish.at)
    counts, size_bytes = Counter(hidden.counts), hidden.video_bytes
    if isinstance(wish.scope, PersonScope):
        found, replay_ids = await _erase_what_indexes_find(connection, erasure, at=wish.at)
        counts.update(found.counts)
        size_bytes += found.size_bytes
        erasure = replace(erasure, position=replay_ids or None)
    # Digest locks issues before the links of replays. The same order here avoids deadlocks.
    if hidden.replays <= AT_ONCE:
        parts = await hiding.read_hidden_replays(connection, erasure.id, limit=AT_ONCE)
        await hide.remove_parts(connection, parts, at=wish.at)
        if isinstance(wish.scope, ReplaysScope):
            erasure = replace(erasure, phase=SWEEP)
    if isinstance(wish.scope, ReplaysScope):
        erasure = replace(erasure, covers_until=wish.at)
    erasure = replace(erasure, state=ErasureState.WAITING)
    await rows.save_step(connection, erasure, counts=counts, size_bytes=size_bytes)
    await _add_audit_line(connection, wish, erasure, hidden)
    return await rows.get_erasure(connection, erasure.id), hidden


async def _add_job(connection: AsyncConnection, wish: ErasureWish) -> Erasure:
    try:
        name = (await project_queries.get_project(connection, wish.project_id)).name
    except NotFound:
        # Replays may outlive their project for a moment.
        if not isinstance(wish.scope, ReplaysScope):
            raise
        name = GONE_PROJECT
    return await rows.add_erasure(
        connection,
        wish.kind,
        wish.scope,
        act_id=wish.act_id,
        project_id=wish.project_id,
        project_name=name,
        summary=scopes.summarize_scope(wish.scope, wish.keys),
        person_id=wish.person_id,
        at=wish.at,
        phase=PHASES[wish.kind][0],
    )


async def _erase_what_indexes_find(
    connection: AsyncConnection, erasure: Erasure, *, at: datetime
) -> tuple[StepResult, list[ReplayId]]:
    """Erase the records of a person that indexes find.

    Returns:
        The counts of what was erased, and the replays whose links must be made anew. Only digest
        knows how to make links, so the first step of the job calls it.
    """
    to_link: set[ReplayId] = set()

    async def collect(_connection: AsyncConnection, replay_ids: Collection[ReplayId]) -> None:
        to_link.update(replay_ids)

    step = ErasureStep(connection, erasure, at, collect)
    await step.erase_what_indexes_find()
    return step.result, sorted(to_link)


async def _add_audit_line(
    connection: AsyncConnection, wish: ErasureWish, erasure: Erasure, hidden: HidingResult
) -> None:
    subject = str(erasure.id)
    detail = {"replays": hidden.replays, "held": hidden.held}
    if wish.kind is ErasureKind.REPLAY:
        subject = str(wish.keys[0].replay_id)
        detail = {"segments": hidden.segments, "video_bytes": hidden.video_bytes}
    await audit_writes.add_audit_line(
        connection,
        _ACTIONS[wish.kind],
        person_id=wish.person_id,
        project_id=wish.project_id,
        subject=subject,
        detail=detail,
    )
