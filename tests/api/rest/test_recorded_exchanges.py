"""What three versions of sentry-cli have asked is answered as they understand it."""

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.support.builders.api_tokens import project_builder
from tests.support.builders.uploads import CHUNKS, send_chunks, sha1
from tests.support.recorded.cli_exchanges import CliExchange, list_recordings, read_exchanges
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAMPLES: Final = Path(__file__).parents[2] / "samples" / "symbolication"
_OTHER_WORDS: Final = frozenset({"detail"})


@cache
def read_samples() -> dict[str, bytes]:
    """Read all sample files, by their SHA-1."""
    contents = (
        lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        for path in SAMPLES.rglob("*")
        if path.is_file()
    )
    return {sha1(content): content for content in contents}


async def repeat(
    client: httpx2.AsyncClient, exchange: CliExchange, project: object, missing: set[str]
) -> httpx2.Response:
    """Send a recorded request to a project of ours."""
    if exchange.is_form and "chunk-upload" in exchange.path:
        known = [read_samples()[each] for each in sorted(missing) if each in read_samples()]
        return await send_chunks(client, known or [b"of a file that was not kept"])
    if exchange.is_form:
        return await client.get(CHUNKS)  # the ZIP of old versions has tests of its own
    path = exchange.path.replace("/acme/app/", f"/acme/{project}/")
    body = exchange.body.replace('"projects":["app"]', f'"projects":[{project}]')
    headers = {"Content-Type": "application/json"}
    return await client.request(exchange.method, path, content=body, headers=headers)


def list_states(answer: Any) -> list[dict[str, Any]]:
    """List the answers for single files, if these are there."""
    values = answer.values() if isinstance(answer, dict) else []
    found = [each for each in values if isinstance(each, dict) and "state" in each]
    return found or ([answer] if isinstance(answer, dict) and "state" in answer else [])


@pytest.mark.parametrize("name", list_recordings())
async def test_recorded_requests_are_answered(tenant: Server, name: str):
    """Each request gets the status and the members that sentry-cli was content with."""
    missing: set[str] = set()
    last: dict[str, Any] = {}
    async with project_builder(tenant) as client:
        for exchange in read_exchanges(name):
            answer = await repeat(client, exchange, tenant.app.id, missing)
            place = f"{exchange.method} {exchange.path}: {answer.text[:300]}"
            assert answer.status_code == exchange.status, place
            assert answer.headers["content-type"] == "application/json"
            if isinstance(exchange.answer, dict) and not exchange.is_form:
                body = answer.json()
                assert set(exchange.answer) - _OTHER_WORDS - set(body) == set(), place
                for state in list_states(body):
                    assert "missingChunks" in state
                    missing |= set(state["missingChunks"])
                last |= body if "difs" in exchange.path else {}
    for checksum, state in last.items():
        assert state["state"] == "ok", json.dumps(state)
        assert state["dif"]["sha1"] == checksum
        assert {"objectName", "cpuName", "debugId", "data"} <= set(state["dif"])
