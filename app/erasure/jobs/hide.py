"""Hides replays at once: after the commit no list or page has them, and late segments are refused.

    lock ─► what do holds keep? ─► rows of replays go, tombstones come ─► line for the log

Their parts go in later steps (`steps.py`), or in the same transaction if they are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from app.erasure.jobs import rows
from app.erasure.jobs.model import Erasure
from app.erasure.jobs.scopes import PersonScope, ProjectScope, RangeScope, ReplaysScope
from app.erasure.log import lines
from app.erasure.people.names import USER_KINDS, NameKind, PersonName
from app.issues import replay_links
from app.messages.erase import erase_from_messages, erase_messages_of_project
from app.projects import writes as project_writes
from app.replays import locks
from app.replays.deletion import erase, erase_scopes, hiding
from app.replays.deletion.hiding import DeletionAuthor, HiddenReplay
from app.replays.keeping import cleaning, holds
from app.replays.model import ReplayKey

_BATCH: Final = 5_000
"""Replays that are hidden with one statement."""


@dataclass(frozen=True, slots=True)
class HidingResult:
    """Counts of replays that were hidden or held, and of what belonged to the hidden ones."""

    replays: int = 0
    segments: int = 0
    video_bytes: int = 0
    held: int = 0
    messages: int = 0
    """Messages about them that had left the server already, and cannot be called back."""
    shares: int = 0
    """Links and pictures of them that were handed out."""
    clips: int = 0
    tickets: int = 0
    """Addresses of tickets that were kept with them."""

    def __add__(self, other: "HidingResult") -> "HidingResult":
        return HidingResult(
            self.replays + other.replays,
            self.segments + other.segments,
            self.video_bytes + other.video_bytes,
            self.held + other.held,
            self.messages + other.messages,
            self.shares + other.shares,
            self.clips + other.clips,
            self.tickets + other.tickets,
        )

    @property
    def counts(self) -> dict[str, int]:
        """The counts by the names in `COUNTED`."""
        return {
            "replays": self.replays,
            "segments": self.segments,
            "messages": self.messages,
            "shares": self.shares,
            "clips": self.clips,
            "tickets": self.tickets,
        }


async def hide_scope(
    connection: AsyncConnection,
    erasure: Erasure,
    *,
    keys: Sequence[ReplayKey] = (),
    at: datetime,
) -> HidingResult:
    """Hide the replays that a scope names, in the transaction of the caller.

    Args:
        connection: The transaction.
        erasure: The job.
        keys: The replays of a `ReplaysScope`; ignored for other scopes.
        at: The time of the deletion.
    """
    if isinstance(erasure.scope, ReplaysScope):
        return await hide_keys(connection, erasure, keys, at=at)
    total = HidingResult()
    if isinstance(erasure.scope, ProjectScope):
        # Messages that name no replay go too: they must not be sent while the job works.
        total += HidingResult(
            messages=await erase_messages_of_project(connection, erasure.project_id)
        )
    for condition in _list_conditions(erasure):
        total += await _hide_matching(connection, erasure, condition, at=at)
    return total


async def hide_keys(
    connection: AsyncConnection, erasure: Erasure, keys: Sequence[ReplayKey], *, at: datetime
) -> HidingResult:
    """Hide some replays. Those that legal holds keep stay, and are noted with the job."""
    total = HidingResult()
    ordered = sorted(set(keys))
    await locks.lock_all_for_deletion(connection, ordered)
    for first in range(0, len(ordered), _BATCH):
        total += await _hide_batch(connection, erasure, ordered[first : first + _BATCH], at=at)
    return total


async def remove_parts(
    connection: AsyncConnection, hidden: Sequence[HiddenReplay], *, at: datetime
) -> None:
    """Delete what belongs to hidden replays: segments, links, pictures, pins, quarantine."""
    keys = [replay.key for replay in hidden]
    # Links go before segments, whose deletion changes the totals of storage: digest also changes
    # the counts of links first and the totals last. Another order would deadlock with it.
    await replay_links.delete_links_of_replays(connection, keys)
    await erase.remove_parts(connection, hidden, at=at)
    await cleaning.forget_replays(connection, keys)
    for key in keys:
        await project_writes.erase_quarantined(connection, key.project_id, key.replay_id)


def write_user_names(names: Sequence[PersonName]) -> list[dict[str, str]]:
    """Write names as members of recorded users, such as `{"email": "ada@example.org"}`.

    A device id becomes a user id, since SDKs send it as that where an app names no user.

    Returns:
        One mapping for each spelling of each name: as typed, and in lower case.
    """
    written = []
    for name in names:
        kind = NameKind.ID if name.kind is NameKind.DEVICE else name.kind
        if kind in USER_KINDS:
            written += [{kind.value: value} for value in {name.value, name.value.lower()}]
    return written


async def _hide_batch(
    connection: AsyncConnection, erasure: Erasure, keys: Sequence[ReplayKey], *, at: datetime
) -> HidingResult:
    held = await holds.find_holds(connection, keys)
    if held:
        await rows.note_holds(connection, erasure.id, held)
    free = [key for key in keys if key not in held]
    author = DeletionAuthor(erasure.requested_by, at)
    hidden = await hiding.hide_replays(connection, free, author, erasure_id=erasure.id)
    messages = await erase_from_messages(
        connection, erasure.project_id, [replay.key.replay_id for replay in hidden]
    )
    await lines.add_replays_line(connection, erasure, [replay.key for replay in hidden], at=at)
    return HidingResult(
        len(hidden),
        sum(replay.segments for replay in hidden),
        sum(replay.video_bytes for replay in hidden),
        len(held),
        messages,
        sum(replay.shares for replay in hidden),
        sum(replay.clips for replay in hidden),
        sum(replay.tickets for replay in hidden),
    )


async def _hide_matching(
    connection: AsyncConnection,
    erasure: Erasure,
    condition: ColumnElement[bool] | None,
    *,
    at: datetime,
) -> HidingResult:
    """Hide every replay of the project that meets a condition, whatever their number."""
    total, after = HidingResult(), None
    while True:
        keys = await erase_scopes.list_replay_keys(
            connection, erasure.project_id, condition, after=after, limit=_BATCH
        )
        if not keys:
            return total
        after = keys[-1]
        total += await hide_keys(connection, erasure, keys, at=at)


def _list_conditions(erasure: Erasure) -> list[ColumnElement[bool] | None]:
    match erasure.scope:
        case PersonScope() as scope:
            names = write_user_names(scope.person_names)
            # An index answers the first condition; the second one ignores upper and lower case.
            return (
                [erase_scopes.is_of_user(names), erase_scopes.has_user_folded(names)]
                if names
                else []
            )
        case RangeScope() as scope:
            within = erase_scopes.is_received_within(scope.since, scope.until)
            return [within] if "replays" in scope.kinds else []
        case ProjectScope():
            return [None]
        case _:
            return []
