"""Of several hosts, the primary with the newest timeline is used."""

import asyncio
from typing import Any

import asyncpg
import pytest

from app.cli.checks.check_result import CheckLevel
from app.cli.checks.host_checks import check_hosts, describe_hosts
from app.core.errors import DatabaseUnavailable
from app.db import hosts
from app.db.hosts import PrimaryFinder
from app.db.timelines import NewestTimelines

OLD, NEW = "postgresql://old/playhead", "postgresql://new/playhead"
STANDBY = -1


class FakeConnection:
    """A connection to a host that says on which timeline it is."""

    def __init__(self, url: str, timeline: int) -> None:
        self.url = url
        self._timeline = timeline

    async def fetchval(self, _query: str, **_options: Any) -> bool:
        """Tell whether it is a standby."""
        return self._timeline == STANDBY

    async def fetchrow(self, _query: str, **_options: Any) -> tuple[int, int]:
        """Tell the system and the timeline; 0 stands for a Postgres that does not tell it."""
        if not self._timeline:
            raise asyncpg.InsufficientPrivilegeError("permission denied")
        await asyncio.sleep(0)
        return 7, self._timeline

    async def close(self, *, timeout: float) -> None:  # noqa: ASYNC109 - as asyncpg has it
        """End it in vain, as on a host that hangs."""
        raise TimeoutError(f"not closed in {timeout} s")

    def terminate(self) -> None:
        """End it at once."""


class FakeHosts(dict[str, int | None]):
    """The timeline of each host by URL; None for one that does not answer."""

    def __init__(self, **timelines: int | None) -> None:
        super().__init__({f"postgresql://{name}/playhead": at for name, at in timelines.items()})
        self.asked: list[str] = []

    async def connect(self, url: str, **_options: Any) -> FakeConnection:
        """Stand in for the connection to one host."""
        self.asked.append(url)
        timeline = self[url]
        if timeline is None:
            raise ConnectionRefusedError(f"{url} refused")
        return FakeConnection(url, timeline)


@pytest.fixture
def fake_hosts(monkeypatch: pytest.MonkeyPatch) -> FakeHosts:
    """Two hosts: an old primary before its successor."""
    fakes = FakeHosts(old=1, new=2)
    monkeypatch.setattr(hosts, "connect_to_host", fakes.connect)
    return fakes


async def find_url(finder: PrimaryFinder) -> str:
    """Connect, and return the URL of the host that was chosen."""
    connection: Any = await finder.connect([OLD, NEW], command_s=None)
    url: str = connection.url
    return url


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, 2, NEW),
        (3, 2, OLD),
        (1, 1, OLD),
        (STANDBY, 1, NEW),
        (1, STANDBY, OLD),
        (None, 2, NEW),
        (1, None, OLD),
        (0, 0, OLD),
    ],
)
async def test_the_newest_primary_is_found(fake_hosts, old, new, expected):
    """It may stand last in the URL; a standby or a host that is down is passed over."""
    fake_hosts |= {OLD: old, NEW: new}
    assert await find_url(PrimaryFinder(NewestTimelines())) == expected
    assert await PrimaryFinder(NewestTimelines()).find_url([OLD, NEW]) == expected


async def test_an_old_primary_is_refused_by_a_process_that_starts_later(fake_hosts, tmp_path):
    """What an earlier process saw lies in the data folder; without the file, all begins anew."""
    kept = tmp_path / "timelines.json"
    before, after = NewestTimelines(), NewestTimelines()
    before.keep_in(kept)
    assert await find_url(PrimaryFinder(before)) == NEW
    fake_hosts[NEW] = None
    after.keep_in(kept)
    with pytest.raises(DatabaseUnavailable) as refused:
        await find_url(PrimaryFinder(after))
    assert "old is an old primary on timeline 1, and timeline 2 was in use" in str(refused.value)
    assert f"delete {kept} first" in str(refused.value)
    assert "new/playhead refused" in str(refused.value)
    kept.unlink()
    forgetful = NewestTimelines()
    forgetful.keep_in(kept)
    assert await find_url(PrimaryFinder(forgetful)) == OLD


async def test_an_old_primary_is_refused_by_processes_that_lived_through_the_failover(
    fake_hosts, monkeypatch
):
    """One meets the new primary while the old one is away; the other was idle meanwhile."""
    now_s = 1_000.0
    monkeypatch.setattr(hosts, "monotonic_s", lambda: now_s)
    busy, idle = PrimaryFinder(NewestTimelines()), PrimaryFinder(NewestTimelines())
    fake_hosts |= {OLD: 1, NEW: STANDBY}
    assert [await find_url(busy), await find_url(idle)] == [OLD, OLD]
    fake_hosts |= {OLD: None, NEW: 2}
    assert await find_url(busy) == NEW
    fake_hosts[OLD] = 1
    assert await find_url(busy) == NEW
    now_s = 1_010.0
    assert await find_url(idle) == NEW


async def test_connections_to_a_primary_that_was_replaced_are_outdated(fake_hosts):
    """A pooler leads them to the old primary again; those without a timeline are used on."""
    finder = PrimaryFinder(NewestTimelines())
    fake_hosts |= {OLD: 1, NEW: STANDBY}
    before = await finder.connect([OLD, NEW], command_s=None)
    assert not finder.is_outdated(before)
    fake_hosts |= {OLD: None, NEW: 2}
    after = await finder.connect([OLD, NEW], command_s=None)
    assert [finder.is_outdated(each) for each in (before, after)] == [True, False]
    fake_hosts[NEW] = 0
    assert not finder.is_outdated(await finder.connect([OLD, NEW], command_s=None))


async def test_doctor_tells_what_each_host_is(fake_hosts):
    """An old primary fails the check, a host that is down is a warning, and a standby is right."""
    finder = PrimaryFinder(NewestTimelines())

    async def check() -> list[tuple[CheckLevel, str]]:
        found = describe_hosts(await finder.look([OLD, NEW]))
        return [(result.state, result.text) for result in found]

    fake_hosts |= {OLD: 1, NEW: STANDBY}
    assert await check() == [(CheckLevel.OK, "old takes writes, new is a standby")]
    fake_hosts |= {OLD: None, NEW: 2}
    assert await check() == [
        (CheckLevel.WARN, f"old does not answer, so it cannot take over: {OLD} refused")
    ]
    fake_hosts[OLD] = 1
    ((level, text),) = await check()
    assert level is CheckLevel.FAIL
    assert text.startswith("old is an old primary that has come back. It takes writes")
    fake_hosts |= {OLD: 0, NEW: STANDBY}
    assert await check() == [(CheckLevel.OK, "old takes writes, new is a standby")]


async def test_a_url_with_one_host_is_not_checked():
    """The check of the database says whether it answers."""
    assert await check_hosts(OLD) == []


async def test_all_hosts_are_looked_at_now_and_then(fake_hosts, monkeypatch):
    """Otherwise a connection asks one host. A look that takes long is repeated less often."""
    finder = PrimaryFinder(NewestTimelines())
    fake_hosts |= {OLD: 1, NEW: STANDBY}
    for now_s, takes_s, asked in (
        (1_000.0, 0, [OLD, NEW, OLD]),
        (1_009.0, 0, [OLD]),
        (1_010.0, 3, [OLD, NEW, OLD]),
        (1_072.0, 0, [OLD]),
        (1_073.0, 30, [OLD, NEW, OLD]),
        (1_163.0, 0, [OLD, NEW, OLD]),
    ):
        fake_hosts.asked.clear()
        times_s = iter((now_s, now_s + takes_s))
        monkeypatch.setattr(hosts, "monotonic_s", times_s.__next__)
        assert await find_url(finder) == OLD
        assert fake_hosts.asked == asked


async def test_connections_of_one_moment_wait_for_one_look(fake_hosts):
    """Each of them must know the newest timeline, and one look is enough for all."""
    finder = PrimaryFinder(NewestTimelines())
    assert await asyncio.gather(*(find_url(finder) for _ in range(3))) == [NEW] * 3
    assert fake_hosts.asked.count(OLD) == 4
