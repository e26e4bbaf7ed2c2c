"""Real services, called as a recorded phone called its own, stand in that phone's replay.

FastAPI with `sentry-sdk` and Express with `@sentry/node`: both take the trace over from the headers
that the phone's request carried, and send what they did to a project of their own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx2
import pytest

from app.formats.events import event
from app.formats.spans import transaction
from tests.sdk import sending
from tests.support import html_reader
from tests.support.builders.wire import KEY
from tests.support.recorded import contents, delivery
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROGRAMS: Final = {
    "fastapi": (sending.PYTHON, "fastapi_app.py"),
    "express": (sending.NODE, "--import", "./express_first.mjs", "express_app.mjs"),
}
_PATIENCE_S: Final = 60


def headers_of_a_request(family: str) -> dict[str, str]:
    """Return what a phone sent along with a request, by what it told of that request later."""
    for request in contents.requests(family):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            if item.type != "transaction" or not envelope.header.trace.replay_id:
                continue
            found = transaction.read_transaction(
                event.decode_event(item.payload, "transaction"), envelope.header
            )
            calls = [one for one in found.spans if one.op == "http.client"]
            if calls and found.platform == "java":
                trace = envelope.header.trace
                known = {
                    "trace_id": found.trace_id,
                    "public_key": KEY,
                    "replay_id": trace.replay_id,
                    "sampled": "true",
                }
                baggage = ",".join(f"sentry-{name}={value}" for name, value in known.items())
                sentry_trace = f"{found.trace_id}-{calls[0].span_id}-1"
                return {"sentry-trace": sentry_trace, "baggage": baggage}
    raise AssertionError(f"no request in {family}")


@asynccontextmanager
async def serving(name: str, dsn: str) -> AsyncIterator[str]:
    """Run a service, and end it; give its address."""
    program, *arguments = PROGRAMS[name]
    running = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        dsn,
        cwd=sending.SENDERS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert running.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            port = (await running.stdout.readline()).decode().strip()
        assert port.isdecimal(), (await running.communicate())[1].decode()
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        await running.communicate()


async def shown(server: Server, replay_id: str) -> tuple[set[str], set[str]]:
    """Return what the page of a replay shows of backends: titles of errors, names of spans."""
    page = html_reader.parse_page((await server.web.get(server.page(replay_id))).text)
    errors = {
        one.all("h3")[0].text
        for one in page.all("article", class_="error")
        if one["data-source"] == "backend"
    }
    spans = {
        one.one("span", class_="span-name").text
        for one in page.all("li", class_="span")
        if one["data-side"] == "backend"
    }
    return errors, spans


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("family", ["android-session-full-a", "android-crash-a"])
async def test_what_a_service_does_for_a_phone_stands_in_its_replay(
    tenant: Server, name: str, family: str
):
    """Its error and its spans, within seconds, though the replay is a day old by now."""
    await delivery.deliver_family(tenant, family)
    (replay,) = contents.conclusions(family)["replays"]
    replay_id = replay["replay_id"]
    before = await shown(tenant, replay_id)
    headers = headers_of_a_request(family)
    async with (
        serving(name, sending.dsn_of(tenant, tenant.backend)) as address,
        httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False) as phone,
    ):
        assert (await phone.get("/api/items")).json() == ["shirt"]
        assert (await phone.get("/api/pay")).status_code == 500
        error = {"fastapi": "ValueError", "express": "TypeError"}[name]
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                errors, spans = await shown(tenant, replay_id)
                new = spans - before[1]
                is_paid = any("http.server" in one and "/api/pay" in one for one in new)
                if error in errors and is_paid and any("select name" in one for one in new):
                    break
                await asyncio.sleep(0.1)
