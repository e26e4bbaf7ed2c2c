"""People who watch replays, and one who deletes some: they go in by the pages, as browsers do."""

import asyncio
import html
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import httpx2

from app.accounts import queries as accounts, sign_ins
from app.core import clock
from app.db.engine import Database
from app.db.server import postmaster
from app.web.urls import list_urls
from bench.ingest.load import HOST
from bench.ingest.servers import MeasuredServer

_RANGE_BYTES: Final = 256 * 1024
_RANGES: Final = 4
"""Ranges of the stream that a viewer fetches of one replay."""
_THINK_S: Final = (3.0, 8.0)
"""The time between two replays of a viewer."""
_EXPECTED: Final = (200, 206, 303, 404, 409, 410, 416)
_STREAM: Final = re.compile(r'data-index-url="([^"]+)" data-stream-url="([^"]+)"')
_REPLAY: Final = re.compile(r'href="(/projects/\d+/replays/[0-9a-f]{32})')


@dataclass(slots=True)
class Viewings:
    """What viewers met."""

    statuses: Counter[int] = field(default_factory=Counter)
    page_ms: list[float] = field(default_factory=list)
    """Times of the pages of replays, until the last byte."""
    deleted: int = 0

    @property
    def failures(self) -> int:
        """The number of answers that viewers should not get.

        A replay may be deleted, and another index replace the one that they read (409).
        """
        return sum(self.statuses.values()) - sum(self.statuses[status] for status in _EXPECTED)


class Audience:
    """Viewers who share one sign-in."""

    def __init__(self, server: MeasuredServer, cookie: str, *, seed: int = 1) -> None:
        """Make an audience; `sign_in` makes the cookie."""
        self.viewings = Viewings()
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        origin = f"http://{HOST}:{server.target.port}"
        self._list = list_urls.replays(project=server.target.project)
        self._client = httpx2.AsyncClient(
            base_url=origin,
            trust_env=False,
            timeout=60,
            headers={"origin": origin, "accept": "text/html"},
            cookies={"playhead": cookie},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def watch_for_ever(self) -> None:
        """Open the list, then a replay and some of its stream; again and again."""
        while True:
            await self.watch_once()
            await asyncio.sleep(self._dice.uniform(*_THINK_S))

    async def watch_once(self) -> None:
        """Open the list, then a replay and some of its stream."""
        replay = await self._choose_replay()
        if replay is not None:
            await self.watch_stream(await self.open_replay(replay))

    async def open_replay(self, address: str) -> str:
        """Open the page of a replay, and return it."""
        began_s = clock.monotonic_s()
        page = await self._get(address)
        self.viewings.page_ms.append((clock.monotonic_s() - began_s) * 1_000)
        return page

    async def delete_for_ever(self, *, interval_s: float) -> None:
        """Delete a replay in each interval."""
        while True:
            await asyncio.sleep(interval_s)
            await self.delete_once()

    async def delete_once(self) -> None:
        """Delete a replay of the list, if there is one."""
        replay = await self._choose_replay()
        if replay is not None:
            answer = await self._client.post(f"{replay}/delete")
            self.viewings.statuses[answer.status_code] += 1
            self.viewings.deleted += answer.is_redirect

    async def watch_stream(self, page: str) -> None:
        """Fetch the index of a replay and the first ranges of its stream, as the player does."""
        addresses = _STREAM.search(page)
        if addresses is None:
            return  # deleted meanwhile, or without a picture yet
        index, stream = (html.unescape(address) for address in addresses.groups())
        answer = await self._client.get(index)
        self.viewings.statuses[answer.status_code] += 1
        version = answer.headers.get("etag", "").strip('W/"')
        for place in range(_RANGES):
            first = place * _RANGE_BYTES
            bytes_range = f"bytes={first}-{first + _RANGE_BYTES - 1}"
            await self._get(f"{stream}?v={version}", {"range": bytes_range})

    async def list_replays(self) -> list[str]:
        """Return the addresses of the replays on the first page of the list."""
        return list(dict.fromkeys(_REPLAY.findall(await self._get(self._list))))

    async def _choose_replay(self) -> str | None:
        replays = await self.list_replays()
        return self._dice.choice(replays) if replays else None

    async def _get(self, path: str, headers: dict[str, str] | None = None) -> str:
        answer = await self._client.get(path, headers=headers or {})
        self.viewings.statuses[answer.status_code] += 1
        kind = answer.headers.get("content-type", "")
        return answer.text if kind.startswith("text/html") else ""


async def sign_in(server: MeasuredServer) -> str:
    """Sign the first admin in, without a password; returns the value of the cookie."""
    return await sign_in_at(postmaster.find_running_url(server.place))


async def sign_in_at(url: str | None) -> str:
    """Sign the first admin in at a database, if it runs; returns the value of the cookie.

    Raises:
        SystemExit: It does not run.
    """
    if url is None:
        raise SystemExit("the server's Postgres does not run")
    database = Database.open(url)
    try:
        async with database.transaction() as connection:
            people = await accounts.list_people(connection)
            admin = next(person for person in people if person.is_admin)
            return await sign_ins.start_sign_in(connection, admin.id, user_agent="soak")
    finally:
        await database.close()
