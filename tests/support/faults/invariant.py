"""Checks the promise of ingest after a fault: what was answered 200 is stored completely and once.

Videos are fetched by HTTP and rows are read by the queries of the pages, as a person would see
them. The tables tell the rest: no object without a row, no row without its object, and nothing is
counted that is not stored.
"""

import asyncio
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from app.core import clock
from app.core.errors import ReplayError
from app.core.ids import ReplayId
from app.formats.replay import activity
from app.formats.stored import packed_json
from app.journal import adopt
from app.playback.recording import recorded_segments
from app.replays import queries
from app.replays.model import ReplayKey
from app.storage import keys, probe
from tests.support import sealing
from tests.support.builders.traffic import Ledger, TrafficEnvelope
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S

SETTINGS_OF_CHECKED_SERVER: Final = {"replay_quiet_s": 3_600}
"""After ten minutes of kills the replays of the first ones would close: a server would seal them
while objects are compared with rows.
"""
_COLUMNS: Final = """
    select table_name, column_name from information_schema.columns
    where table_schema = 'public' and column_name like '%object_key'
    and table_name not in ('object_outbox', 'expiring_objects', 'file_outbox')
"""
_WAITING: Final = """
    select (select count(*) from object_outbox)
        + (select count(*) from pack_outbox where wipes)
        + (select count(*) from expiring_objects)
        + (select count(*) from file_outbox where swept_at is null)
        + (select count(*) from packs where empty_at is not null)
"""
_LET_EXPIRE: Final = (
    "update expiring_objects set expires_at = now()",
    "update packs set empty_at = now() - interval '1 day' where empty_at is not null",
)
"""As if the time had passed for which older copies stay for their readers."""
_TRANSACTIONS: Final = """
    select block_id from span_blocks where project_id = :id and block_id = transaction_id
"""
_IDS: Final = f"select event_id from events where project_id = :id union all {_TRANSACTIONS}"
_BY_HTTP: Final = 8
"""Every eighth replay is fetched by HTTP too; a page costs as much as a hundred reads."""
_COUNTS: Final = {
    "replay_video": "select count(*) from segments where project_id = :id",
    "event": "select count(*) from events where project_id = :id",
    "transaction": f"select count(*) from ({_TRANSACTIONS}) as t",
    "attachment": "select count(*) from attachments where project_id = :id",
}


@dataclass(frozen=True, slots=True)
class InvariantFindings:
    """The result of a check; `faults` says in words what is wrong."""

    acks: int
    kept: int
    """Letters that are there, whole."""
    unanswered: int
    """Letters whose connection ended; they may be there or not."""
    dup: int
    lost: int
    settle_s: float
    faults: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return the numbers for a report."""
        return {name: value for name, value in asdict(self).items() if name != "faults"}


async def check_invariant(server: Server, ledger: Ledger) -> InvariantFindings:
    """Wait until everything is digested, then compare all that was sent with all that is there.

    Args:
        server: The server to check.
        ledger: What was sent to it, or to a host that died.

    Raises:
        AssertionError: The promise is broken.
    """
    began_s = clock.monotonic_s()
    await wait_until_drained(server)
    settle_s = round(clock.monotonic_s() - began_s, 2)
    faults: list[str] = []
    there, missing = await _compare(server, ledger, faults)
    counted, rows = await _read_kept_counts(server), await _count_rows(server)
    faults += [
        f"{counted[kind]} of {kind} were counted as kept, {count} are there"
        for kind, count in rows.items()
        if counted[kind] != count
    ]
    faults += [f"an envelope was answered {status}" for status in ledger.answers - {200, None}]
    faults += await objects_without_rows(server)
    findings = InvariantFindings(
        acks=ledger.acks,
        kept=there,
        unanswered=len(ledger.unanswered()),
        dup=sum(max(0, counted[kind] - count) for kind, count in rows.items()),
        lost=missing,
        settle_s=settle_s,
        faults=tuple(faults),
    )
    assert not findings.faults, "\n".join([str(findings.facts()), *faults[:20]])
    return findings


async def wait_until_drained(server: Server) -> None:
    """Wait until no journal holds anything, and nothing waits for the sweep.

    Journals of dead processes are adopted when a server starts, and once a minute.
    """
    root = server.folder / "journal"
    async with asyncio.timeout(PATIENCE_S):
        await server.settled()
        while _journals(root, server.service.ingest.journal.id):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.02)
        while await _scalar(server, _WAITING):
            async with server.database.transaction() as connection:
                for statement in _LET_EXPIRE:
                    await connection.execute(text(statement))
            server.service.sweeper.hurry()
            await asyncio.sleep(0.02)


def _journals(root: Path, own: str) -> list[str]:
    """List the journals of dead processes."""
    return [path.name for path in root.iterdir() if path.is_dir() and path.name != own]


async def _compare(server: Server, ledger: Ledger, faults: list[str]) -> tuple[int, int]:
    """Compare envelope by envelope; returns how many are there and how many kept ones are not."""
    there = missing = 0
    async with server.database.reading() as connection:
        rows = await connection.execute(text(_IDS), {"id": server.app.id})
        ids = {str(row[0]).replace("-", "") for row in rows}
    for place, (replay_id, numbers) in enumerate(ledger.replays().items()):
        found_segments = await stored(server, replay_id, faults)
        if place % _BY_HTTP == 0:
            faults += await _seen_by_http(server, replay_id, found_segments)
        for number in numbers:
            wrong = _what_is_wrong(ledger.sent[number], found_segments, ids)
            if wrong is None:
                there += 1
            elif ledger.is_kept(number):
                missing += 1
                faults.append(f"envelope {number} of replay {replay_id}: {wrong}")
            elif wrong != "absent":
                faults.append(f"envelope {number} got no answer and is there in part: {wrong}")
    return there, missing


async def stored(server: Server, replay_id: str, faults: list[str]) -> dict[int, tuple[bytes, int]]:
    """Read the video and count the breadcrumbs of each segment, by the queries that pages use."""
    key = ReplayKey(server.app.id, ReplayId(replay_id))
    store = server.service.page_services.store
    async with server.database.reading() as connection:
        replay = await queries.find_replay(connection, key)
    segments = []
    if replay is not None:
        segments = await recorded_segments.read_segments(server.database, store, replay)
    there: dict[int, tuple[bytes, int]] = {}
    for segment in segments:
        assert segment.recording is not None
        crumbs = len(activity.read_activity(packed_json.unpack_json(segment.recording)).breadcrumbs)
        try:
            video = await store.read(
                segment.object_key or "", segment.object_offset, segment.object_bytes
            )
        except ReplayError as error:
            faults.append(f"segment {segment.segment_id} of replay {replay_id}: {error}")
            video = b""
        there[segment.segment_id] = (video, crumbs)
    counted = (replay.segments, replay.counts.breadcrumbs) if replay else (0, 0)
    are_there = (len(there), sum(crumbs for _, crumbs in there.values()))
    if counted != are_there:
        faults.append(f"replay {replay_id} counts {counted}, there are {are_there}")
    return there


async def _seen_by_http(
    server: Server, replay_id: str, stored: dict[int, tuple[bytes, int]]
) -> list[str]:
    """Fetch a replay as a browser does; returns each difference from what is stored."""
    faults = []
    for segment_id, (video, _) in stored.items():
        answer = await server.web.get(server.page(replay_id, f"/segments/{segment_id}.mp4"))
        if answer.status_code != 200 or answer.content != video:
            faults.append(f"segment {segment_id} of {replay_id} is answered {answer.status_code}")
    page = await server.web.get(server.page(replay_id))
    if page.status_code != (200 if stored else 404):
        faults.append(f"the page of replay {replay_id} is answered {page.status_code}")
    return faults


def _what_is_wrong(
    envelope: TrafficEnvelope, stored: dict[int, tuple[bytes, int]], ids: set[str]
) -> str | None:
    if envelope.segment_id is None:
        return None if (envelope.event_id or envelope.transaction_id) in ids else "absent"
    if envelope.segment_id not in stored:
        return "absent"
    video, crumbs = stored[envelope.segment_id]
    if crumbs != envelope.breadcrumbs:
        return f"{crumbs} breadcrumbs are there, {envelope.breadcrumbs} were sent"
    return None if video == envelope.video else f"its video of {len(video)} bytes is another"


async def _read_kept_counts(server: Server) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (kind, outcome, _), quantity in (await server.outcomes()).items():
        if outcome == "kept":
            counts[kind] += quantity
    return counts


async def _count_rows(server: Server) -> dict[str, int]:
    return {kind: await _scalar(server, query) for kind, query in _COUNTS.items()}


async def objects_without_rows(server: Server) -> list[str]:
    """Compare the objects in storage with those that rows name; returns each difference."""
    named: set[str] = set()
    async with server.database.reading() as connection:
        for table, column in (await connection.execute(text(_COLUMNS))).all():
            query = f'select distinct {column} from "{table}" where {column} is not null'
            named |= {row[0] for row in await connection.execute(text(query))}
        miscounted = await sealing.list_miscounted_packs(connection)
    objects = await server.service.page_services.store.list("")
    passed_over = (probe.PREFIX, keys.STORE_MARK_PREFIX)
    stored = {stored.key for stored in objects if not stored.key.startswith(passed_over)}
    return [
        *(f"object {key} has no row" for key in sorted(stored - named)),
        *(f"object {key} is gone, its row is not" for key in sorted(named - stored)),
        *(f"pack {key} miscounts what lives in it" for key in miscounted),
    ]


async def _scalar(server: Server, query: str) -> int:
    async with server.database.reading() as connection:
        return int(await connection.scalar(text(query), {"id": server.app.id}) or 0)


def torn_entries(root: Path) -> list[str]:
    """Read the journals of dead processes; return what of them cannot be read."""
    damages: list[str] = []
    for folder in adopt.lock_abandoned_journals(root, None):
        for _ in folder.read(on_damage=lambda damage: damages.append(damage.reason)):
            pass
        folder.unlock()
    return damages
