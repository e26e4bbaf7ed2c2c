"""Finds out whether the set-up of a project works, from its newest replays.

newest 20 replays ─► segments, video, SDKs and their known faults
                  └► their traces ─► errors, requests and whether a backend answered them
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.core.replay.replay_window import ReplayWindow
from app.playback import sdk_faults
from app.playback.links import linked_errors, replay_clock
from app.playback.sdk_faults import KnownFault
from app.replays import queries as replays
from app.replays.model import Replay
from app.traces import queries as traces
from app.traces.queries import RequestSpan

_MOST_REPLAYS: Final = 20
_MOST_TRACES: Final = 100
_MOST_HOSTS: Final = 10
_HOST_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class CalledHost:
    """A host that the app calls, and how many of its requests the spans of a backend answer."""

    name: str
    requests: int
    answered: int


@dataclass(frozen=True, slots=True)
class SetUpFacts:
    """Facts about the set-up of a project that its newest replays show."""

    segments: int
    video_segments: int
    last_received_at: datetime | None
    app_errors: int
    backend_errors: int
    hosts: tuple[CalledHost, ...]
    """The hosts, the one with the most requests first."""
    sdks: tuple[str, ...]
    """Name and version of each SDK among the newest replays."""
    faults: tuple[KnownFault, ...]


async def read_set_up_facts(
    connection: AsyncConnection, project_id: ProjectId, project_ids: Sequence[ProjectId]
) -> SetUpFacts:
    """Read what the newest replays of a project show about its set-up.

    Args:
        connection: The connection to read with.
        project_id: The project.
        project_ids: The projects that the reader may see, among which backends are looked for.
    """
    newest = await replays.read_newest_replays(connection, project_id, limit=_MOST_REPLAYS)
    windows = await replay_clock.read_windows(connection, newest)
    counts = await linked_errors.count_errors_of_replays(connection, newest, project_ids)
    requests = await traces.read_app_requests(
        connection, project_id, _limit_traces(windows), project_ids
    )
    return SetUpFacts(
        segments=sum(replay.segments for replay in newest),
        video_segments=sum(replay.video_segments for replay in newest),
        last_received_at=max((replay.last_received_at for replay in newest), default=None),
        app_errors=sum(count.app for count in counts),
        backend_errors=sum(count.backend for count in counts),
        hosts=count_hosts(requests),
        sdks=_name_sdks(newest),
        faults=_find_faults(newest),
    )


def _limit_traces(windows: Iterable[ReplayWindow]) -> list[ReplayWindow]:
    """Keep the first 100 traces of all replays together, those of the newest replays first."""
    limited: list[ReplayWindow] = []
    left = _MOST_TRACES
    for window in windows:
        trace_ids = sorted(window.trace_ids)[:left]
        left -= len(trace_ids)
        if trace_ids:
            limited.append(replace(window, trace_ids=frozenset(trace_ids)))
    return limited


def count_hosts(requests: Iterable[RequestSpan]) -> tuple[CalledHost, ...]:
    """Count the requests of an app by host, and those that a backend answered."""
    called: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for request in requests:
        host = _read_host(request.description or "")
        if host:
            called[host] += 1
            answered[host] += request.is_answered
    return tuple(
        CalledHost(name, number, answered[name]) for name, number in called.most_common(_MOST_HOSTS)
    )


def _read_host(description: str) -> str | None:
    """Read the host from a description such as `GET https://api.example.com/cart`."""
    try:
        found = urlsplit(description.rpartition(" ")[2]).hostname
    except ValueError:
        return None
    return found[:_HOST_CHARS] if found else None


def _name_sdks(newest: Iterable[Replay]) -> tuple[str, ...]:
    named = (
        f"{replay.facts['sdk_name']} {replay.facts.get('sdk_version') or ''}".strip()
        for replay in newest
        if replay.facts.get("sdk_name")
    )
    return tuple(dict.fromkeys(named))


def _find_faults(newest: Iterable[Replay]) -> tuple[KnownFault, ...]:
    faults = (
        fault for replay in newest for fault in sdk_faults.find_known_faults(replay.facts, None)
    )
    return tuple(dict.fromkeys(faults))
