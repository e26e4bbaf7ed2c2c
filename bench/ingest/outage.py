"""Takes Postgres away from Playhead under load, gives it back, and measures how it catches up.

    python -m bench.ingest.outage --minutes 10 --rate 200

Envelopes are due at fixed times all the while. When Postgres is back, nothing more is sent, and the
time until everything is digested tells the pace of draining. The journal takes about 90 kB for each
envelope: ten minutes at 200 a second are 11 GB in the temporary folder (`TMPDIR`).
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import uvloop

from app.core import clock
from app.db.postmaster import Postmaster
from bench.ingest import envelopes, load, servers
from bench.ingest.envelopes import Stream
from bench.ingest.load import Pace
from bench.ingest.servers import Server

_WARM_UP_S: Final = 2.0
_OK: Final = 200


async def measure(
    server: Server, postgres: Postmaster, stream: Stream, pace: Pace
) -> dict[str, Any]:
    """Send without Postgres, start it again, wait until all is digested.

    Returns:
        How many were sent, by status; what had to be caught up with, and how fast that was.
    """
    warm_up = await load.send(server.door, stream, Pace(pace.connections, _WARM_UP_S, pace.rate))
    await server.digested()
    postgres.stop()
    answers = await load.send(server.door, stream, pace)
    again = Postmaster(postgres.folder.parent)
    try:
        began_s = clock.monotonic_s()
        again.start()
        await server.digested()
        drained_s = clock.monotonic_s() - began_s
        statuses = warm_up.statuses + answers.statuses
        kept = await server.kept()
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
    """Start both, take Postgres away, print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mix", type=envelopes.mix, default="replay=1", help="kind=share,…")
    parser.add_argument("--minutes", type=float, default=10, help="without Postgres")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=200, help="envelopes a second")
    options = parser.parse_args()
    stream = Stream(envelopes.corpus([*options.mix]), options.mix)
    pace = Pace(options.connections, options.minutes * 60, options.rate)
    with tempfile.TemporaryDirectory(prefix="playhead-bench-") as folder:
        Path(folder).chmod(0o711)  # as root, Postgres is another user and must pass
        place = Path(folder, "playhead")
        place.mkdir()
        postgres = Postmaster(Path(folder, "database"))
        postgres.start()
        try:
            with servers.playhead(place, postgres) as server:
                found = uvloop.run(measure(server, postgres, stream, pace))
        finally:
            postgres.stop()
    sys.stdout.write(
        "{arrived_s:,.0f} a second arrived for {away_s:.0f} s without Postgres, p50 {p50_ms} ms,"
        " p99 {p99_ms} ms\nafterwards {drained_s:,.0f} a second were digested, {ratio} times as"
        " many\n{peak_mb:.0f} MB at most; answers by status {statuses}; kept {kept:,}\n"
        "{json}\n".format(**found, json=json.dumps(found | vars(options)))
    )
    if set(found["statuses"]) != {_OK} or found["kept"] != found["statuses"][_OK]:
        raise SystemExit("not everything that was sent was kept")


if __name__ == "__main__":
    main()
