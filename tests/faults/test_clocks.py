"""F7: clocks that are wrong, of phones and of the server: nothing is lost, order is by receipt.

The server's clock is stepped where all of it asks for the time (`app.core.clock`; the linter allows
no other place). Postgres, which does not step, and the monotonic clock stay as they are.
"""

import asyncio
import math
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from app.core import clock
from tests.support import html_reader, programme_size
from tests.support.builders import envelopes, traffic
from tests.support.builders.wire import MISSING, compact
from tests.support.report import Report
from tests.support.servers.server import Server

HOUR_MS = 3600 * 1000
AT_ONCE = 8
YEAR_MS = 365 * 24 * 3600 * 1000
STARTS = ("0", "1", "now", "now - 10 years", "now + 10 years")
SENT = (
    "missing", "", "yesterday", -1, math.nan, "ms", "us", "s", "year 1",
)  # fmt: skip


def started_ms(words: str) -> int:
    """Return a time of a phone's clock."""
    now_ms = time.time_ns() // 1_000_000
    found = {"now": now_ms, "now - 10 years": now_ms - 10 * YEAR_MS}
    found |= {"now + 10 years": now_ms + 10 * YEAR_MS, "0": 0, "1": 1}
    return found[words]


def sent_at(words: object) -> object:
    """Return what the envelope's header says, in the right unit or in a wrong one."""
    now_ms = clock.now_ms()
    found = {"missing": MISSING, "ms": now_ms, "us": now_ms * 1000, "s": now_ms / 1000}
    found |= {"year 1": "0001-01-01T00:00:00Z"}
    return found.get(words, words) if isinstance(words, str) else words


def segment(replay_id: str, start: str, sent: object) -> bytes:
    """Return a segment of a phone whose clock is wrong."""
    body = envelopes.replay_video_envelope(
        replay_id=replay_id, replay_started_ms=started_ms(start), trace_id=None
    )
    _, _, rest = body.partition(b"\n")
    header: dict[str, Any] = {"event_id": replay_id, "sent_at": sent_at(sent)}
    line = {name: value for name, value in header.items() if value is not MISSING}
    return compact(line) + b"\n" + rest


@pytest.mark.asyncio(loop_scope="session")
async def test_wrong_clocks_of_phones(tenant: Server, report: Report) -> None:
    """Every combination is kept and can be opened; the list is in the order of receipt."""
    dice = programme_size.seeded_dice("clocks")
    cases = [(start, sent) for start in STARTS for sent in SENT]
    dice.shuffle(cases)
    replay_ids = []
    for start, sent in cases:
        replay_ids.append(traffic.hex_id(dice))
        await tenant.take(segment(replay_ids[-1], start, sent))
    assert await tenant.outcomes() == {("replay_video", "kept", ""): len(cases)}
    for replay_id in replay_ids:
        assert (await tenant.web.get(tenant.page(replay_id))).status_code == 200
        video = await tenant.web.get(tenant.page(replay_id, "/segments/0.mp4"))
        assert video.status_code == 200
    assert await listed(tenant) == list(reversed(replay_ids))
    report.round(cases=len(cases), kept=len(cases))


@pytest.mark.asyncio(loop_scope="session")
async def test_steps_of_the_servers_clock(
    tenant: Server, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour ahead, an hour back, under load: everything is kept, digested and can be opened."""
    dice = programme_size.seeded_dice("server's clock")
    wall_ms = clock.now_ms
    steps_ms = [0]

    def stepped_ms() -> int:
        return wall_ms() + steps_ms[-1]

    monkeypatch.setattr(clock, "now_ms", stepped_ms)
    monkeypatch.setattr(clock, "now", lambda: datetime.fromtimestamp(stepped_ms() / 1000, UTC))
    replay_ids: list[str] = []
    for step_ms in (0, HOUR_MS, 0, -HOUR_MS, 0):
        steps_ms.append(step_ms)
        ours = [traffic.hex_id(dice) for _ in range(AT_ONCE)]
        # The next step comes while the last of these are digested.
        answers = await asyncio.gather(
            *(tenant.post(segment(each, "now", wall_ms() / 1000)) for each in ours)
        )
        assert {answer.status_code for answer in answers} == {200}
        replay_ids += ours
    await tenant.settled()
    assert await tenant.outcomes() == {("replay_video", "kept", ""): len(replay_ids)}
    assert sorted(await listed(tenant)) == sorted(replay_ids)
    for replay_id in replay_ids:
        page = html_reader.parse_page((await tenant.web.get(tenant.page(replay_id))).text)
        assert page.all("h1")
        video = await tenant.web.get(tenant.page(replay_id, "/segments/0.mp4"))
        assert video.status_code == 200
    report.round(cases=len(replay_ids), kept=len(replay_ids))


async def listed(server: Server) -> list[str]:
    """Read the ids in the list of replays, page after page."""
    found: list[str] = []
    path: str | None = "/replays"
    while path is not None:
        page = html_reader.parse_page((await server.web.get(path)).text)
        for link in page.all("a", "href"):
            _, _, rest = link["href"].partition(f"/projects/{server.app.id}/replays/")
            replay_id = rest[:32]
            if len(replay_id) == 32 and replay_id not in found:
                found.append(replay_id)
        after = page.all("a", rel="next")
        path = after[0]["href"] if after else None
    return found
