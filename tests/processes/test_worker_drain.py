"""While workers are replaced, load balancers go on sending requests to their port."""

import os
import signal
from collections import Counter
from pathlib import Path

import httpx2

from tests.support.servers.process import ServerProcess, launch_server
from tests.support.waiting import PATIENCE_S, until_asked


async def test_a_rolling_restart_does_not_drain(database_url: str, tmp_path: Path):
    """Despite a drain of ten minutes, workers are replaced at once and health checks stay good."""
    with launch_server(database_url, tmp_path, workers=2, drain_s=600) as parent:
        assert parent.listens()
        before = parent.worker_pids()
        statuses: Counter[int] = Counter()
        parent.send(signal.SIGHUP)

        async def are_replaced() -> bool:
            statuses[await ask(parent)] += 1
            return len(parent.worker_pids()) == 2 and not parent.worker_pids() & before

        await until_asked(are_replaced)
        assert set(statuses) == {200}
        # An orderly stop would drain for ten minutes.
        workers = parent.worker_pids()
        parent.send(signal.SIGKILL)
        for pid in workers:
            os.kill(pid, signal.SIGKILL)


async def ask(parent: ServerProcess) -> int:
    """Return the status of a health check, on a connection of its own."""
    async with httpx2.AsyncClient(
        base_url=parent.base_url, trust_env=False, timeout=PATIENCE_S
    ) as client:
        return (await client.get("/health/door")).status_code
