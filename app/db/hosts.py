"""Chooses among the hosts of a URL: the primary with the newest timeline.

    all hosts ─► those that answer ─► without standbys ─► the newest timeline ─► remembered
                                                             └─ an older one later: refused

A standby that is promoted begins a new timeline. An old primary that comes back by itself, as after
a reboot, takes writes like the new one, and everything that it is given is lost. Its timeline tells
them apart. The newest one that was seen is kept in the data folder, so that a process which starts
while only the old primary answers does not use it either.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from weakref import WeakKeyDictionary

import asyncpg

from app.core.clock import monotonic_s
from app.core.errors import DatabaseUnavailable
from app.db.metrics import trace_driver_statements
from app.db.timelines import NewestTimelines, Timeline, newest_timelines

_CONNECT_ONE_OF_SEVERAL_S: Final = 3
_CLOSE_S: Final = 1
_LOOK_AGAIN_S: Final = 10.0
"""The pause between two looks at all hosts."""
_LOOK_AT_FILE_S: Final = 1.0
"""The pause between two looks at what other processes have seen, while connections are reused."""
_LOOK_AGAIN_AT_MOST_S: Final = 60.0
_PAUSE_PER_LOOK: Final = 20.0
"""The same in durations of the last look: where a host never answers, each one takes seconds."""
_URL: Final = re.compile(r"(?P<start>\w+://(?:[^/?]*@)?)(?P<hosts>[^/?@]*)(?P<rest>.*)", re.DOTALL)
_WISH: Final = "target_session_attrs="
_IS_STANDBY: Final = "select pg_is_in_recovery()"
# The control file names the new timeline only after the first checkpoint.
_TIMELINE: Final = """
    select (select system_identifier from pg_control_system()),
           ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
"""
CONNECT_ERRORS: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""The errors that a connection attempt ends with."""


def split_hosts(url: str) -> list[str]:
    """Return a URL for each host that a URL names before its path, in the same order.

    Where there are several, the wish for one that takes writes is left out: it is looked at for
    each of them.
    """
    parts = _URL.fullmatch(url)
    if parts is None or "," not in parts["hosts"]:
        return [url]
    base, _, query = parts["rest"].partition("?")
    kept = "&".join(each for each in query.split("&") if each and not each.startswith(_WISH))
    rest = f"{base}?{kept}" if kept else base
    return [f"{parts['start']}{host}{rest}" for host in parts["hosts"].split(",")]


class StandbyError(asyncpg.InterfaceError):
    """A host answers and takes no writes."""


class HostRole(StrEnum):
    """The part that one of several hosts plays."""

    PRIMARY = "primary"
    OLD_PRIMARY = "old primary"
    """It takes writes, although a standby of it has been promoted since."""
    STANDBY = "standby"
    SILENT = "silent"
    """It does not answer, or refuses; so does a pooler whose Postgres is away."""


@dataclass(frozen=True, slots=True)
class HostState:
    """One of several hosts as it answers now."""

    host: str
    role: HostRole
    reason: str = ""
    """Why it cannot be asked, if it is silent."""


class PrimaryFinder:
    """Connects to the primary among several hosts."""

    def __init__(self, timelines: NewestTimelines) -> None:
        self._timelines = timelines
        self._look_at_s: dict[tuple[str, ...], float] = {}
        """The time of the next look at the hosts."""
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )
        """A lock serves one event loop, and a command may run several one after another."""
        self._opened: WeakKeyDictionary[asyncpg.Connection[Any], Timeline] = WeakKeyDictionary()
        """The timeline of the primary to which each connection was opened."""

    async def connect(
        self, urls: Sequence[str], *, command_s: float | None
    ) -> "asyncpg.Connection[Any]":
        """Connect to the first primary that is not older than the newest one that was seen.

        All hosts are looked at before, unless they were a moment ago: the newest primary may stand
        last in the URL, and a standby may have been promoted while this process needed no new
        connection.

        Args:
            urls: A URL for each host.
            command_s: The longest time of a statement; None for no limit.

        Raises:
            DatabaseUnavailable: There is none; the message has the reason of each host.
        """
        _, connection = await self._choose(urls, command_s)
        return connection

    async def find_url(self, urls: Sequence[str]) -> str:
        """Return the URL of the primary that `connect` would use, for the programs of Postgres.

        Of several hosts these take the first that takes writes, which may be an old primary.

        Raises:
            DatabaseUnavailable: There is none; the message has the reason of each host.
        """
        url, connection = await self._choose(urls, _CONNECT_ONE_OF_SEVERAL_S)
        await _end(connection)
        return url

    async def _choose(
        self, urls: Sequence[str], command_s: float | None
    ) -> "tuple[str, asyncpg.Connection[Any]]":
        await self._look_if_due(urls, command_s)
        errors: list[Exception] = []
        for url in urls:
            try:
                connection, timeline = await _connect_to_primary(url, command_s)
            except CONNECT_ERRORS as error:
                errors.append(error)
                continue
            if timeline is None:
                return url, connection
            newer = self._timelines.find_newer(timeline)
            if newer is None:
                self._timelines.note(timeline)  # it may have been promoted since the last look
                self._opened[connection] = timeline
                return url, connection
            await _end(connection)
            reason = (
                f"{_name_host(url)} is an old primary on timeline {timeline.number}, and timeline "
                f"{newer} was in use: stop it, and make it a standby of the new one. To go back to "
                f"it for good, delete {self._timelines.describe_file()} first"
            )
            errors.append(asyncpg.InterfaceError(reason))
        raise explain_errors(errors)

    async def look(self, urls: Sequence[str]) -> list[HostState]:
        """Ask all hosts, and tell what each of them is, in their order."""
        answers = await self._look_at_all(urls, _CONNECT_ONE_OF_SEVERAL_S)
        return [
            self._judge(_name_host(url), answer) for url, answer in zip(urls, answers, strict=True)
        ]

    def _judge(self, host: str, answer: "Timeline | Exception | None") -> HostState:
        if isinstance(answer, StandbyError):
            return HostState(host, HostRole.STANDBY)
        if isinstance(answer, Exception):
            return HostState(host, HostRole.SILENT, str(answer) or type(answer).__name__)
        is_old = answer is not None and self._timelines.find_newer(answer) is not None
        return HostState(host, HostRole.OLD_PRIMARY if is_old else HostRole.PRIMARY)

    def is_outdated(self, connection: "asyncpg.Connection[Any]") -> bool:
        """Tell whether a newer primary was seen since a connection was opened by `connect`.

        A pooler keeps the connections of its clients while its Postgres is away. When an old
        primary comes back, they lead to it again, and it would be given writes that are lost.

        This is asked with every use of a connection. To look at the file that often would make
        each of them wait for the disk of the data folder.
        """
        timeline = self._opened.get(connection)
        return timeline is not None and (
            self._timelines.find_newer(timeline, looked_within_s=_LOOK_AT_FILE_S) is not None
        )

    async def _look_if_due(self, urls: Sequence[str], command_s: float | None) -> None:
        """Look at all hosts, if no look is recent; whoever comes meanwhile waits for its end."""
        key = tuple(urls)
        async with self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            began_s = monotonic_s()
            if began_s < self._look_at_s.get(key, 0.0):
                return
            await self._look_at_all(urls, command_s)
            ended_s = monotonic_s()
            wanted_s = (ended_s - began_s) * _PAUSE_PER_LOOK
            pause_s = min(max(_LOOK_AGAIN_S, wanted_s), _LOOK_AGAIN_AT_MOST_S)
            self._look_at_s[key] = ended_s + pause_s

    async def _look_at_all(
        self, urls: Sequence[str], command_s: float | None
    ) -> "list[Timeline | Exception | None]":
        """Learn the newest timeline from whichever hosts answer.

        Returns:
            For each host its timeline, None if it does not tell one, or the error with which
            connecting to it as to a primary ended.
        """
        answers = await asyncio.gather(
            *(_connect_to_primary(url, command_s) for url in urls), return_exceptions=True
        )
        timelines: list[Timeline | Exception | None] = []
        for answer in answers:
            if isinstance(answer, BaseException):
                if not isinstance(answer, CONNECT_ERRORS):
                    raise answer
                timelines.append(answer)
                continue
            connection, timeline = answer
            await _end(connection)
            if timeline:
                self._timelines.note(timeline)
            timelines.append(timeline)
        return timelines


primary_finder: Final = PrimaryFinder(newest_timelines)


async def connect_to_host(
    url: str, *, timeout_s: float, command_s: float | None
) -> "asyncpg.Connection[Any]":
    """Open a connection to one host, whatever it is.

    Args:
        url: The URL, with one host.
        timeout_s: The longest time to wait for the connection.
        command_s: The longest time of a statement; None for no limit.

    Raises:
        OSError: It does not answer; asyncpg raises further errors of `CONNECT_ERRORS`.
    """
    connection = await asyncpg.connect(
        url,
        timeout=timeout_s,
        command_timeout=command_s,
        server_settings={"application_name": "playhead"},
    )
    trace_driver_statements(connection)
    return connection


def explain_errors(errors: Sequence[Exception]) -> DatabaseUnavailable:
    """Return the error that has the reasons of all hosts."""
    reasons = "; ".join(str(error) or type(error).__name__ for error in errors)
    unavailable = DatabaseUnavailable(f"Postgres cannot be reached: {reasons}")
    unavailable.__cause__ = errors[0]
    return unavailable


async def _connect_to_primary(
    url: str, command_s: float | None
) -> "tuple[asyncpg.Connection[Any], Timeline | None]":
    """Connect to one of several hosts, unless it is a standby.

    Returns:
        The connection and the timeline; None for a Postgres that does not tell its timeline, as
        some that are rented do not.

    Raises:
        StandbyError: It is a standby.
    """
    connection = await connect_to_host(
        url, timeout_s=_CONNECT_ONE_OF_SEVERAL_S, command_s=command_s
    )
    try:
        is_standby = await connection.fetchval(_IS_STANDBY, timeout=_CONNECT_ONE_OF_SEVERAL_S)
        timeline = None if is_standby else await _read_timeline(connection)
    except BaseException:
        connection.terminate()
        raise
    if is_standby:
        await _end(connection)
        raise StandbyError(f"{_name_host(url)} is a standby")
    return connection, timeline


async def _end(connection: "asyncpg.Connection[Any]") -> None:
    """Close a connection that was only looked at, whether or not its host still answers.

    Without a word, Postgres would write a line into its log each time.
    """
    with suppress(*CONNECT_ERRORS):
        await connection.close(timeout=_CLOSE_S)


async def _read_timeline(connection: "asyncpg.Connection[Any]") -> Timeline | None:
    try:
        row = await connection.fetchrow(_TIMELINE, timeout=_CONNECT_ONE_OF_SEVERAL_S)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError):
        return None
    return None if row is None else Timeline(row[0], row[1])


def _name_host(url: str) -> str:
    parts = _URL.fullmatch(url)
    return parts["hosts"] if parts else "the host"
