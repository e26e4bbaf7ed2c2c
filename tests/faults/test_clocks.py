"""F7: the clocks of phones and of the server are wrong; nothing is lost, order is by receipt.

The server's clock is stepped in `app.core.clock`, the only place where the linter allows it to ask
for the time. Postgres, which does not step, and the monotonic clock stay as they are.
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
    """Return the start of a replay on a phone's clock."""
    now_ms = time.time_ns() // 1_000_000
    times_ms = {"now": now_ms, "now - 10 years": now_ms - 10 * YEAR_MS}
    times_ms |= {"now + 10 years": now_ms + 10 * YEAR_MS, "0": 0, "1": 1}
    return times_ms[words]


def sent_at(words: object) -> object:
    """Return the header's `sent_at`, in the right unit or in a wrong one."""
    now_ms = clock.now_ms()
    values = {"missing": MISSING, "ms": now_ms, "us": now_ms * 1000, "s": now_ms / 1000}
    values |= {"year 1": "0001-01-01T00:00:00Z"}
    return values.get(words, words) if isinstance(words, str) else words


def make_segment(replay_id: str, start: str, sent_value: object) -> bytes:
    """Make a segment of a phone whose clock is wrong."""
    body = envelopes.replay_video_envelope(
        replay_id=replay_id, replay_started_ms=started_ms(start), trace_id=None
    )
    _, _, items = body.partition(b"\n")
    header: dict[str, Any] = {"event_id": replay_id, "sent_at": sent_at(sent_value)}
    members = {name: value for name, value in header.items() if value is not MISSING}
    return compact(members) + b"\n" + items


@pytest.mark.asyncio(loop_scope="session")
async def test_replays_of_phones_with_wrong_clocks_are_kept(tenant: Server, report: Report) -> None:
    """Replays with any wrong time are kept, open, and are listed in the order of receipt."""
    dice = programme_size.seeded_dice("clocks")
    cases = [(start, sent_value) for start in STARTS for sent_value in SENT]
    dice.shuffle(cases)
    replay_ids = []
    for start, sent_value in cases:
        replay_ids.append(traffic.hex_id(dice))
        await tenant.take(make_segment(replay_ids[-1], start, sent_value))
    assert await tenant.outcomes() == {("replay_video", "kept", ""): len(cases)}
    for replay_id in replay_ids:
        assert (await tenant.web.get(tenant.page(replay_id))).status_code == 200
        video = await tenant.web.get(tenant.page(replay_id, "/segments/0.mp4"))
        assert video.status_code == 200
    assert await list_replay_ids(tenant) == list(reversed(replay_ids))
    report.round(cases=len(cases), kept=len(cases))


@pytest.mark.asyncio(loop_scope="session")
async def test_steps_of_the_servers_clock_lose_nothing(
    tenant: Server, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything sent while the clock steps an hour ahead and back is kept and opens."""
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
        batch_ids = [traffic.hex_id(dice) for _ in range(AT_ONCE)]
        # The clock steps again while the last of these are digested.
        answers = await asyncio.gather(
            *(
                tenant.post(make_segment(replay_id, "now", wall_ms() / 1000))
                for replay_id in batch_ids
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        replay_ids += batch_ids
    await tenant.settled()
    assert await tenant.outcomes() == {("replay_video", "kept", ""): len(replay_ids)}
    assert sorted(await list_replay_ids(tenant)) == sorted(replay_ids)
    for replay_id in replay_ids:
        page = html_reader.parse_page((await tenant.web.get(tenant.page(replay_id))).text)
        assert page.all("h1")
        video = await tenant.web.get(tenant.page(replay_id, "/segments/0.mp4"))
        assert video.status_code == 200
    report.round(cases=len(replay_ids), kept=len(replay_ids))


async def list_replay_ids(server: Server) -> list[str]:
    """Read the ids in the list of replays, page after page."""
    replay_ids: list[str] = []
    path: str | None = "/replays"
    while path is not None:
        page = html_reader.parse_page((await server.web.get(path)).text)
        for link in page.all("a", "href"):
            _, _, path_end = link["href"].partition(f"/projects/{server.app.id}/replays/")
            replay_id = path_end[:32]
            if len(replay_id) == 32 and replay_id not in replay_ids:
                replay_ids.append(replay_id)
        next_links = page.all("a", rel="next")
        path = next_links[0]["href"] if next_links else None
    return replay_ids
