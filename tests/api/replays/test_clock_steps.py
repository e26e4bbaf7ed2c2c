"""Replays of phones whose clock is set during the recording play as if it had not been set."""

import re
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from app.core import clock
from tests.support import html_reader
from tests.support.builders import envelopes, payloads
from tests.support.builders.wire import REPLAY_ID, SEGMENT_MS, TRACE_ID
from tests.support.servers.server import Server, tenant as tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEGMENTS: Final = 6
FIRST_AFTER: Final = 3
"""Number of the segment before which the clock is set."""
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
TRIP_MS: Final = 40
"""Time that an envelope takes to the server."""


@dataclass(slots=True)
class Phone:
    """A phone that records, its clock set by `step_ms` before the segment `FIRST_AFTER`."""

    step_ms: int
    began_ms: int
    """True time at which the recording began."""
    off_ms: int = 0
    """Time by which its clock was ahead of the true time at first."""
    pause_ms: int = 0
    """Time without a recording before the clock was set."""
    bodies: list[tuple[int, bytes]] = field(default_factory=list)
    """Envelopes, and the true time at which each arrives."""

    def true_ms(self, number: int) -> int:
        """Return the true time at which a segment began."""
        paused_ms = self.pause_ms if number >= FIRST_AFTER else 0
        return self.began_ms + number * SEGMENT_MS + paused_ms

    def shown_ms(self, true_ms: int, *, is_after: bool) -> int:
        """Return the time that the clock of the phone shows."""
        return true_ms + self.off_ms + (self.step_ms if is_after else 0)

    def record(self) -> None:
        """Record all segments, each sent when it ends, and an error in the last but one."""
        for number in range(SEGMENTS):
            is_after, true_ms = number >= FIRST_AFTER, self.true_ms(number)
            body = envelopes.replay_video_envelope(
                number, started_ms=self.shown_ms(true_ms, is_after=is_after)
            )
            self.bodies.append((true_ms + SEGMENT_MS + 500 + TRIP_MS, body))
        at_ms = self.true_ms(SEGMENTS - 2) + 1_000
        header = envelopes.envelope_header(sent_ms=self.shown_ms(at_ms + 300, is_after=True))
        error = payloads.event(at_ms=self.shown_ms(at_ms, is_after=True))
        event = envelopes.envelope(header, envelopes.item("event", error))
        self.bodies.append((at_ms + 300 + TRIP_MS, event))

    def fail_in_backend(self) -> tuple[int, bytes]:
        """Return the error of a backend whose clock is right, in the middle of segment 4."""
        at_ms = self.true_ms(SEGMENTS - 2) + 2_500
        header = envelopes.envelope_header(event_id="e" * 32, sent_ms=at_ms + 200)
        error = payloads.event(
            "e" * 32,
            at_ms=at_ms,
            platform="python",
            contexts={"trace": {"trace_id": TRACE_ID}},
        )
        body = envelopes.envelope(header, envelopes.item("event", error))
        return at_ms + 200 + TRIP_MS, body


@dataclass(slots=True)
class Sender:
    """Delivers envelopes at times that the server believes."""

    server: Server
    monkeypatch: pytest.MonkeyPatch

    async def deliver(
        self, phone: Phone, order: Sequence[int] | None = None, *, is_held: bool = False
    ) -> None:
        """Deliver what a phone sent, and the error of the backend.

        Args:
            phone: The phone that recorded.
            order: Positions in the list of envelopes; each still arrives at its own time.
            is_held: Whether a proxy holds all of it for two minutes and then lets it through.
        """
        wall_ms = clock.now_ms
        held_ms = max(at_ms for at_ms, _ in phone.bodies) + 2 * MINUTE_MS
        for place in order or range(len(phone.bodies)):
            at_ms, body = phone.bodies[place]
            self._stop_clock(held_ms if is_held else at_ms)
            await self.server.take(body)
        at_ms, body = phone.fail_in_backend()
        self._stop_clock(held_ms if is_held else at_ms)
        await self.server.take(body, project=self.server.backend)
        self.monkeypatch.setattr(clock, "now_ms", wall_ms)
        self.monkeypatch.undo()

    def _stop_clock(self, at_ms: int) -> None:
        self.monkeypatch.setattr(clock, "now_ms", lambda: at_ms)
        self.monkeypatch.setattr(clock, "now", lambda: datetime.fromtimestamp(at_ms / 1000, UTC))


async def read_times(server: Server) -> dict[str, Any]:
    """Return all times of the replay that the pages and the player show."""
    index = (await server.web.get(server.page(REPLAY_ID, "/index"))).content
    (length,) = struct.unpack(">I", index[:4])
    html = (await server.web.get(f"{server.page(REPLAY_ID)}?tab=segments")).text
    page = html_reader.parse_page(html)
    gestures = (await server.web.get(server.page(REPLAY_ID, "/gestures"))).json()
    list_html = (await server.web.get("/replays")).text
    return {
        "index": index[4 : 4 + length],
        "duration": re.findall(r'data-duration-ms="(\d+)">', html)[:1],
        "rows": [
            (row["data-kind"], row["data-at-ms"])
            for row in page.all("li", "data-kind", "data-at-ms")
        ],
        "segments": [row.attributes.get("data-at-ms") for row in page.all("tr", "data-video")],
        "errors": {
            error["id"]: error.attributes["data-at-ms"]
            for error in page.all("article", "id", "data-at-ms")
        },
        "gaps": re.findall(r'data-start-ms="(\d+)" data-end-ms="(\d+)" data-reason', html),
        "touches": [[at_ms for at_ms, _, _ in gesture["points"]] for gesture in gestures],
        "marks": re.findall(r'data-mark="(\w+)" x="([\d.]+)%"', list_html),
    }


@pytest.fixture(scope="module")
def known_controls() -> dict[int, dict[str, Any]]:
    """Return what `control` has found out, by the length of the pause."""
    return {}


@pytest.fixture
async def control(
    shared_server: Server,
    monkeypatch: pytest.MonkeyPatch,
    known_controls: dict[int, dict[str, Any]],
) -> "Control":
    """Offer a function that returns the times of a recording by a phone with a steady clock."""

    async def record(*, pause_ms: int = 0) -> dict[str, Any]:
        if pause_ms not in known_controls:
            async with tenant_of(shared_server) as own:
                phone = Phone(0, clock.now_ms() - 20 * MINUTE_MS, pause_ms=pause_ms)
                phone.record()
                await Sender(own, monkeypatch).deliver(phone)
                known_controls[pause_ms] = await read_times(own)
        return known_controls[pause_ms]

    return record


Control = Callable[..., Awaitable[dict[str, Any]]]


@pytest.mark.parametrize("order", [None, (6, 5, 4, 3, 2, 1, 0), (3, 0, 6, 5, 1, 4, 2)])
@pytest.mark.parametrize("off_ms", [0, -DAY_MS])
@pytest.mark.parametrize("step_ms", [-HOUR_MS, -30_000, 12 * MINUTE_MS, DAY_MS])
async def test_setting_the_clock_of_a_phone_changes_no_time_in_its_replay(
    tenant: Server,
    control: Control,
    monkeypatch: pytest.MonkeyPatch,
    *,
    step_ms: int,
    off_ms: int,
    order: Sequence[int] | None,
):
    """The clock may go back or forward, and the segments may arrive in any order."""
    phone = Phone(step_ms, clock.now_ms() - 20 * MINUTE_MS, off_ms=off_ms)
    phone.record()
    await Sender(tenant, monkeypatch).deliver(phone, order)
    times = await read_times(tenant)
    assert times == await control()
    assert times["duration"] == ["30000"]
    assert set(times["errors"].values()) == {"21000", "22500"}
    assert len(times["touches"]) == SEGMENTS


@pytest.mark.parametrize("order", [None, (3, 0, 6, 5, 1, 4, 2)])
@pytest.mark.parametrize("is_set_right", [False, True])
async def test_a_clock_that_was_never_set_still_measures_time(
    tenant: Server,
    control: Control,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_set_right: bool,
    order: Sequence[int] | None,
):
    """The clock begins in 1970, and may be set right during the recording."""
    began_ms = clock.now_ms() - 20 * MINUTE_MS
    off_ms = 20_000 - began_ms
    phone = Phone(-off_ms if is_set_right else 0, began_ms, off_ms=off_ms)
    phone.record()
    await Sender(tenant, monkeypatch).deliver(phone, order)
    assert await read_times(tenant) == await control()


async def test_setting_the_clock_in_a_pause_keeps_the_length_of_the_pause(
    tenant: Server, control: Control, monkeypatch: pytest.MonkeyPatch
):
    """Four minutes without a recording stay four minutes, whatever the clock says."""
    phone = Phone(-HOUR_MS, clock.now_ms() - 20 * MINUTE_MS, pause_ms=4 * MINUTE_MS)
    phone.record()
    await Sender(tenant, monkeypatch).deliver(phone)
    times = await read_times(tenant)
    assert times == await control(pause_ms=4 * MINUTE_MS)
    assert times["gaps"] == [("15000", "255000")]


async def test_a_replay_of_an_older_release_plays_as_before(
    tenant: Server, monkeypatch: pytest.MonkeyPatch
):
    """The rows of the replay and of its errors have no value in the columns added since."""
    phone = Phone(0, clock.now_ms() - 20 * MINUTE_MS)
    phone.record()
    await Sender(tenant, monkeypatch).deliver(phone)
    before = await read_times(tenant)
    async with tenant.database.transaction() as connection:
        for change in (
            "update replays set drift_low_ms = null, drift_high_ms = null, clock_steps = null",
            "update events set parent_span_id = null",
        ):
            await connection.exec_driver_sql(change)
    assert await read_times(tenant) == before
    more = envelopes.replay_video_envelope(SEGMENTS, started_ms=phone.true_ms(SEGMENTS))
    await tenant.take(more)
    assert (await read_times(tenant))["duration"] == ["35000"]


@pytest.mark.parametrize("step_ms", [0, -HOUR_MS])
@pytest.mark.parametrize("pause_ms", [0, 4 * MINUTE_MS])
async def test_a_replay_that_a_proxy_held_up_plays_as_it_was_recorded(
    tenant: Server,
    control: Control,
    monkeypatch: pytest.MonkeyPatch,
    step_ms: int,
    pause_ms: int,
):
    """All envelopes arrive at once, so that each has another drift, though no clock was set."""
    phone = Phone(step_ms, clock.now_ms() - 20 * MINUTE_MS, pause_ms=pause_ms)
    phone.record()
    await Sender(tenant, monkeypatch).deliver(phone, is_held=True)
    times = await read_times(tenant)
    expected = await control(pause_ms=pause_ms if not step_ms else 0)
    for name in ("index", "duration", "segments", "gaps", "touches"):
        assert times[name] == expected[name]
    notes = [row for row in times["rows"] if row[0] != "error"]
    assert notes == [row for row in expected["rows"] if row[0] != "error"]
    if not step_ms:
        assert times["errors"] == expected["errors"]
