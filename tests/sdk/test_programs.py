"""The work of real services, called with a recorded phone's headers, is in its replay.

FastAPI with `sentry-sdk` and Express with `@sentry/node` both continue the trace from the headers
of the phone's request, and send their errors and spans to a project of their own.
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
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROGRAMS: Final = {
    "fastapi": (sending.PYTHON, "fastapi_app.py"),
    "express": (sending.NODE, "--import", "./express_first.mjs", "express_app.mjs"),
}


def make_trace_headers(family: str) -> dict[str, str]:
    """Return the trace headers of a phone's request, from what the phone reported of it."""
    for request in contents.requests(family):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            if item.type != "transaction" or not envelope.header.trace.replay_id:
                continue
            sent_transaction = transaction.read_transaction(
                event.decode_event(item.payload, "transaction"), envelope.header
            )
            calls = [
                sent_span for sent_span in sent_transaction.spans if sent_span.op == "http.client"
            ]
            if calls and sent_transaction.platform == "java":
                trace = envelope.header.trace
                members = {
                    "trace_id": sent_transaction.trace_id,
                    "public_key": KEY,
                    "replay_id": trace.replay_id,
                    "sampled": "true",
                }
                baggage = ",".join(f"sentry-{name}={value}" for name, value in members.items())
                sentry_trace = f"{sent_transaction.trace_id}-{calls[0].span_id}-1"
                return {"sentry-trace": sentry_trace, "baggage": baggage}
    raise AssertionError(f"no request in {family}")


@asynccontextmanager
async def run_service(name: str, dsn: str) -> AsyncIterator[str]:
    """Run a service until the block ends, and yield its address."""
    program, *arguments = PROGRAMS[name]
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        dsn,
        cwd=sending.SENDERS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            port = (await process.stdout.readline()).decode().strip()
        assert port.isdecimal(), (await process.communicate())[1].decode()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.communicate()


async def read_backend_entries(server: Server, replay_id: str) -> tuple[set[str], set[str]]:
    """Return the titles of errors and the names of spans of backends on a replay's page."""
    page = html_reader.parse_page((await server.web.get(server.page(replay_id))).text)
    errors = {
        element.all("h3")[0].text
        for element in page.all("article", class_="error")
        if element["data-source"] == "backend"
    }
    spans = {
        element.one("span", class_="span-name").text
        for element in page.all("li", class_="span")
        if element["data-side"] == "backend"
    }
    return errors, spans


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("family", ["android-session-full-a", "android-crash-a"])
async def test_the_work_of_a_service_is_in_the_replay_of_its_phone(
    tenant: Server, name: str, family: str
):
    """The error and the spans of a service join the phone's day-old replay within seconds."""
    await delivery.deliver_family(tenant, family)
    (replay,) = contents.conclusions(family)["replays"]
    replay_id = replay["replay_id"]
    entries_before = await read_backend_entries(tenant, replay_id)
    headers = make_trace_headers(family)
    async with (
        run_service(name, sending.make_dsn(tenant, tenant.backend)) as address,
        httpx2.AsyncClient(
            base_url=address, headers=headers, trust_env=False, timeout=PATIENCE_S
        ) as phone,
    ):
        assert (await phone.get("/api/items")).json() == ["shirt"]
        assert (await phone.get("/api/pay")).status_code == 500
        error = {"fastapi": "ValueError", "express": "TypeError"}[name]
        async with asyncio.timeout(PATIENCE_S):
            while True:
                errors, spans = await read_backend_entries(tenant, replay_id)
                new_spans = spans - entries_before[1]
                is_paid = any("http.server" in span and "/api/pay" in span for span in new_spans)
                if error in errors and is_paid and any("select name" in span for span in new_spans):
                    break
                await asyncio.sleep(0.1)
