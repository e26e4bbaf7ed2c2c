"""Stops the Postgres of Playhead under load, starts it again, and measures how Playhead catches up.

    python -m bench.ingest.outage --minutes 10 --rate 200

Envelopes are due at fixed times while Postgres is away. When it is back, nothing more is sent, and
the time until everything is digested tells how fast the backlog is drained. The journal takes about
90 kB for each envelope: ten minutes at 200 a second are 11 GB in the temporary folder (`TMPDIR`).
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import uvloop

from app.core import clock
from app.db.server.postmaster import Postmaster
from bench.ingest import envelopes, load, servers
from bench.ingest.envelopes import EnvelopeStream
from bench.ingest.load import SendingPace
from bench.ingest.servers import MeasuredServer

_WARM_UP_S: Final = 2.0
_OK: Final = 200


async def measure_outage(
    server: MeasuredServer, postgres: Postmaster, stream: EnvelopeStream, pace: SendingPace
) -> dict[str, Any]:
    """Send while Postgres is away, start it again, and wait until everything is digested.

    Returns:
        The answers by status, the envelopes that arrived meanwhile, and the pace of digesting them.
    """
    warm_up = await load.send_envelopes(
        server.target, stream, SendingPace(pace.connections, _WARM_UP_S, pace.rate)
    )
    await server.wait_until_digested()
    postgres.stop()
    answers = await load.send_envelopes(server.target, stream, pace)
    again = Postmaster(postgres.folder.parent)
    try:
        began_s = clock.monotonic_s()
        again.start()
        await server.wait_until_digested()
        drained_s = clock.monotonic_s() - began_s
        statuses = warm_up.statuses + answers.statuses
        kept = await server.count_kept()
    finally:
        again.stop()
    return {
        "statuses": dict(statuses),
        "unsent": answers.unsent,
        "kept": kept,
        "away_s": round(answers.seconds, 1),
        "arrived_s": round(answers.count() / answers.seconds, 1),
        "p50_ms": round(answers.percentile_ms(0.5), 2),
        "p99_ms": round(answers.percentile_ms(0.99), 2),
        "drained_s": round(answers.count() / drained_s, 1),
        "ratio": round(answers.seconds / drained_s, 2),
        "peak_mb": round(server.peak_mb(), 1),
    }


def main() -> None:
    """Start Postgres and Playhead, measure an outage, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mix", type=envelopes.parse_mix, default="replay=1", help="kind=share,…")
    parser.add_argument("--minutes", type=float, default=10, help="without Postgres")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=200, help="envelopes a second")
    options = parser.parse_args()
    stream = EnvelopeStream(envelopes.make_corpus([*options.mix]), options.mix)
    pace = SendingPace(options.connections, options.minutes * 60, options.rate)
    with tempfile.TemporaryDirectory(prefix="playhead-bench-") as folder:
        Path(folder).chmod(
            0o711
        )  # If this runs as root, Postgres is another user and must be able to enter.
        place = Path(folder, "playhead")
        place.mkdir()
        postgres = Postmaster(Path(folder, "database"))
        postgres.start()
        try:
            with servers.start_playhead(place, postgres) as server:
                figures = uvloop.run(measure_outage(server, postgres, stream, pace))
        finally:
            postgres.stop()
    sys.stdout.write(
        "{arrived_s:,.0f} a second arrived for {away_s:.0f} s without Postgres, p50 {p50_ms} ms,"
        " p99 {p99_ms} ms\nafterwards {drained_s:,.0f} a second were digested, {ratio} times as"
        " many\n{peak_mb:.0f} MB at most; answers by status {statuses}; kept {kept:,}\n"
        "{json}\n".format(**figures, json=json.dumps(figures | vars(options)))
    )
    if set(figures["statuses"]) != {_OK} or figures["kept"] != figures["statuses"][_OK]:
        raise SystemExit("some envelopes were not kept")


if __name__ == "__main__":
    main()
