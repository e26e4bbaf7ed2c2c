"""Runs programs that send with unmodified SDKs, with the trace headers of a phone's request."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from app.formats.wire import credentials
from tests.support.builders.wire import KEY, REPLAY_ID, SPAN_ID, TRACE_ID
from tests.support.servers.server import Keyed, Server
from tests.support.waiting import PATIENCE_S

SENDERS: Final = Path(__file__).parent / "senders"
PYTHON: Final = sys.executable
OLD_PYTHON: Final = str(Path(sys.prefix) / "old-sdk" / "bin" / "python")
NODE: Final = "node"
SENTRY_TRACE: Final = f"{TRACE_ID}-{SPAN_ID}-1"
BAGGAGE: Final = ",".join(
    f"sentry-{name}={value}"
    for name, value in {
        "trace_id": TRACE_ID,
        "public_key": KEY,
        "release": "net.example.shop%404.2.0%2B118",
        "environment": "production",
        "sampled": "true",
        "replay_id": REPLAY_ID,
    }.items()
)
"""Baggage of a phone's request, with the key and the release of the phone, not the backend."""


def make_dsn(server: Server, project: Keyed) -> str:
    """Write the DSN as the project's page shows it."""
    return credentials.make_dsn(server.base_url, project.key, project.id)


async def run_sender(program: str, script: str, *arguments: str) -> dict[str, Any]:
    """Run a sender to its end and return what it printed about what it sent."""
    process = await asyncio.create_subprocess_exec(
        program,
        str(SENDERS / script),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        stdout, stderr = await process.communicate()
    assert process.returncode == 0, stderr.decode()
    sent: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    return sent
