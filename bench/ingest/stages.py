"""Prints the CPU microseconds of each stage of an envelope: accepting, digest, Postgres.

    python -m bench.ingest.stages --mix replay=1 --rounds 5 --seconds 1

The whole server runs in this process, behind a real socket, and another process sends. Digest is
held until everything is answered, so the two halves do not mix. A stage is the functions named in
`ACCEPT` and `DIGEST`. Time outside of all stages is `http` in accepting (socket, parsing, answer)
and `rest` in digest. With `--plain` no function is watched: each half is one figure, without the
cost of watching. The figures are those of the cheapest round, since other work of the machine only
adds to it.
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import psutil
import uvloop

from app.core.running import runtime
from app.ingest.queue import EnvelopeQueue
from app.wiring import Service
from bench.ingest import envelopes, load
from bench.ingest.load import SendingPace, SendTarget
from bench.ingest.watches import Watches
from tests.support.servers import server as servers
from tests.support.servers.server import Keyed

ACCEPT: Final = {
    "auth": ("app.formats.wire.credentials:read_credentials", "app.projects.keys:KeyCache.lookup"),
    "inflate": ("app.formats.wire.encoding:inflate",),
    "open": ("app.ingest.accept.acceptor:_open_request",),
    "quotas": ("app.ingest.admission.quotas:Quotas.admit",),
    "queue": ("app.ingest.queue:EnvelopeQueue.add",),
    "journal": ("app.journal.writer:Journal.append",),
    "answer": ("app.api.exchange:IngestExchange._answer",),
}
DIGEST: Final = {
    "read": (
        "app.formats.replay.replay_video:split_replay_video",
        "app.formats.replay.quick_replay_event:try_split_replay_event",
        "app.formats.replay.replay_event:read_segment_members",
        "app.formats.replay.recording:read_recording",
        "app.formats.replay.quick_recording:try_read_recording",
        "app.formats.replay.recording_summary:summarize_recording",
        "app.formats.events.event:read_event",
        "app.ingest.items.events.quick_event:try_read_events",
        "app.formats.spans.transaction:read_transaction",
        "app.formats.spans.quick_transaction:try_split_transaction",
        "app.formats.wire.addresses:fill_addresses",
    ),
    "scrub": (
        "app.scrub.quick:try_scrub_members",
        "app.scrub.walk:is_clean",
        "app.scrub.walk:scrub_json",
        "app.scrub.walk:scrub_recording",
        "app.ingest.items.spans.quick_transaction:_scrub_transaction",
    ),
    "group": ("app.issues.grouping.rules:read_issue_keys",),
    "boxes": ("app.formats.video.mp4:read_video", "app.formats.stored.video_layout:pack_layout"),
    "pack": (
        "app.formats.stored.packed_json:pack_json",
        "app.formats.stored.packed_json:pack_text",
        "app.formats.stored.span_block:pack_block",
    ),
    "objects": ("app.ingest.digest.store:_put_objects",),
    "rows": ("app.ingest.digest.store:store_batch",),
    "rows of segments": ("app.replays.writes:add_segments",),
    "rows of events": ("app.issues.writes:add_events",),
    "rows of traces": ("app.traces.writes:add_blocks",),
    "links": ("app.ingest.digest.link_issues:link_batch",),
}

StageCosts = dict[str, float]
_Spent = dict[str, float]


def _hold(queue: EnvelopeQueue) -> asyncio.Event:
    """Keep digest waiting as long as the returned event is not set: the queue looks empty to it."""
    may_digest = asyncio.Event()
    may_digest.set()
    wait = queue.wait_for_arrival

    async def held(timeout_s: float) -> bool:
        await may_digest.wait()
        return await wait(timeout_s)

    queue.wait_for_arrival = held  # type: ignore[method-assign]  # on purpose
    return may_digest


class _Clocks:
    """The CPU times of the parts of this process so far."""

    def __init__(self, postgres: psutil.Process) -> None:
        self.loop_s = time.thread_time()
        self.process_s = time.process_time()
        self.journal_s = sum(
            time.clock_gettime(time.pthread_getcpuclockid(each.ident))
            for each in threading.enumerate()
            if each.name == "journal" and each.ident is not None
        )
        tree = [postgres, *postgres.children(recursive=True)]
        self.postgres_s = sum(sum(each.cpu_times()[:4]) for each in tree)


async def measure_stages(folder: Path, options: argparse.Namespace) -> StageCosts:
    """Send round after round; returns the microseconds of an envelope by stage."""
    limits = {"key_envelopes_per_s": 1e6, "key_bytes_per_s": 1e11, "digest_memory_bytes": 1 << 32}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as sender:
        async with servers.alone(None, folder, **limits) as (service, _):
            await service.preparation.done.wait()
            to = await servers.keyed(service.page_services.db, "Bench")
            await service.page_services.keys.refresh()
            postmaster = int((folder / "postgres/postmaster.pid").read_text().split()[0])
            rounds = _Rounds(service, to, sender, postmaster, is_plain=options.plain)
            await rounds.run(options.mix, options.seconds)
            rounds.forget()
            runtime.tune_interpreter()
            for _ in range(options.rounds):
                await rounds.run(options.mix, options.seconds)
            return rounds.cheapest()


class _Rounds:
    """Rounds of sending and digesting, and what each of them cost."""

    def __init__(
        self,
        service: Service,
        to: Keyed,
        sender: ProcessPoolExecutor,
        postmaster: int,
        *,
        is_plain: bool,
    ) -> None:
        self._service = service
        port = service.page_services.settings.port
        self._target = SendTarget(port, str(to.id), to.key)
        self._sender = sender
        self._postgres = psutil.Process(postmaster)
        self._is_plain = is_plain
        self._may_digest = _hold(service.ingest.queue)
        self.forget()

    def forget(self) -> None:
        """Drop the rounds so far, after warming up."""
        self._spent_us: list[_Spent] = []

    async def run(self, mix: Mapping[envelopes.EnvelopeKind, float], seconds: float) -> None:
        """Send while digest is held, and then let it work."""
        loop = asyncio.get_running_loop()
        self._may_digest.clear()
        await asyncio.sleep(1.1)  # until digest waits for the event
        before = _Clocks(self._postgres)
        with Watches({} if self._is_plain else ACCEPT) as accept:
            sent = await loop.run_in_executor(self._sender, _send, self._target, dict(mix), seconds)
        between = _Clocks(self._postgres)
        with Watches({} if self._is_plain else DIGEST) as digest:
            self._may_digest.set()
            while self._service.ingest.journal.backlog().entries:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
        after = _Clocks(self._postgres)
        spent_s = _spent(before, between, after, accept.spent_s, digest.spent_s)
        each = {stage: took_s * 1e6 / sent for stage, took_s in spent_s.items()}
        self._spent_us.append(each)

    def cheapest(self) -> StageCosts:
        """Return the microseconds of an envelope in the round that cost least."""
        best = min(self._spent_us, key=lambda each: each["accept"] + each["digest"])
        return {stage: round(spent_us, 1) for stage, spent_us in best.items()}


def _spent(
    before: _Clocks,
    between: _Clocks,
    after: _Clocks,
    accept: dict[str, float],
    digest: dict[str, float],
) -> dict[str, float]:
    """Return the seconds of each stage."""
    spent_s: _Spent = defaultdict(float)
    accept_s = between.loop_s - before.loop_s
    journal_s = between.journal_s - before.journal_s
    spent_s["accept"] += accept_s + journal_s
    spent_s["accept: http"] += accept_s - sum(accept.values())
    for stage, took_s in accept.items():
        spent_s[f"accept: {stage}"] += took_s
    spent_s["accept: journal thread"] += journal_s
    digest_s = after.process_s - between.process_s
    loop_s = after.loop_s - between.loop_s
    spent_s["digest"] += digest_s
    for stage, took_s in digest.items():
        spent_s[f"digest: {stage}"] += took_s
    spent_s["digest: rest"] += loop_s - sum(digest.values())
    spent_s["digest: other threads"] += digest_s - loop_s
    spent_s["postgres"] += after.postgres_s - before.postgres_s
    return spent_s


_streams: dict[str, envelopes.EnvelopeStream] = {}


def _send(target: SendTarget, mix: dict[envelopes.EnvelopeKind, float], seconds: float) -> int:
    """Send in the other process; returns how many were answered 200."""
    stream = _streams.get(str(mix))
    if stream is None:
        stream = _streams[str(mix)] = envelopes.EnvelopeStream(envelopes.make_corpus([*mix]), mix)
    answers = uvloop.run(load.send_envelopes(target, stream, SendingPace(32, seconds)))
    if set(answers.statuses) != {200}:
        raise RuntimeError(f"some envelopes were not accepted: {dict(answers.statuses)}")
    return answers.count()


def main() -> None:
    """Measure and print a table, and a line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mix", type=envelopes.parse_mix, default="replay=1", help="kind=share,…")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1, help="of sending, in each round")
    parser.add_argument("--plain", action="store_true", help="without watches: two figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="playhead-stages-") as folder:
        costs = uvloop.run(measure_stages(Path(folder), options))
    for stage, spent_us in costs.items():
        inset = "    " if ":" in stage else ""
        sys.stdout.write(f"{inset}{stage.partition(': ')[2] or stage:24}{spent_us:10,.1f} us\n")
    sys.stdout.write(json.dumps({**costs, "mix": options.mix}) + "\n")


if __name__ == "__main__":
    main()
