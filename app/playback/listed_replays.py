"""Replays with what a row of a list says of them: their errors, their ending, who has seen them.

The errors are counted by the query that the page of a replay reads them with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import queries as audit
from app.core.ids import PersonId, ProjectId
from app.db.engine import planning_once
from app.playback import ending
from app.playback.ending import ReplayEnding
from app.playback.links import linked_errors
from app.playback.links.linked_errors import ErrorCounts
from app.replays.keeping import pins
from app.replays.keeping.model import NOT_KEPT, ReplayKeeping
from app.replays.model import Replay
from app.replays.segments import segment_queries


@dataclass(frozen=True, slots=True)
class ListedReplay:
    """A replay in a list."""

    replay: Replay
    counts: ErrorCounts
    is_seen: bool
    """True if the person who looks at the list has opened the replay or marked it as seen."""
    ending: ReplayEnding
    keeping: ReplayKeeping = NOT_KEPT


async def describe_replays(
    connection: AsyncConnection,
    found: Sequence[Replay],
    *,
    person_id: PersonId,
    readable: Sequence[ProjectId],
) -> list[ListedReplay]:
    """Count the errors of replays, and tell how they ended and whether a person has seen them.

    Args:
        connection: The connection to read with.
        found: The replays; the result is in their order.
        person_id: The person who looks at the list.
        readable: All projects that the person may see: errors may come from any of them.
    """
    keys = [replay.key for replay in found]
    async with planning_once(connection):
        counts = await linked_errors.count_errors_of_replays(connection, found, readable)
        seen = await audit.find_seen_replays(
            connection, person_id, [(key[0], key[1]) for key in keys]
        )
        keeping = await pins.find_keeping(connection, keys)
        last_lengths = await segment_queries.read_last_segment_lengths(connection, found)
    return [
        ListedReplay(
            replay,
            counted,
            is_seen=replay.key in seen,
            ending=ending.infer_ending(replay, counted, last_ms=last_lengths.get(replay.key)),
            keeping=keeping.get(replay.key, NOT_KEPT),
        )
        for replay, counted in zip(found, counts, strict=True)
    ]
