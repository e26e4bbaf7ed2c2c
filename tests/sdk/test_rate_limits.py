"""A real SDK understands our rate limits: it holds back what they name, and nothing else."""

import asyncio
from collections import Counter
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.transport import _parse_rate_limits

from app.formats.wire import credentials, rate_limits
from app.ingest.item_types import CATEGORIES_BUT_REPLAY, CATEGORIES_IN_OBJECT_STORAGE
from tests.support.servers.server import Server, running
from tests.support.waiting import PATIENCE_S


@pytest.mark.parametrize(
    ("categories", "read"),
    [
        (CATEGORIES_BUT_REPLAY, set(CATEGORIES_BUT_REPLAY)),
        (CATEGORIES_IN_OBJECT_STORAGE, {"replay", "attachment"}),
        (rate_limits.EVERYTHING, {None}),
    ],
)
def test_the_sdk_parses_our_rate_limit_header(categories, read):
    """The SDK's parser reads the categories of the header, with None for everything."""
    text = rate_limits.write_rate_limit(60, categories, scope="key", reason="byte_rate")
    assert {category for category, _ in _parse_rate_limits(text)} == read


async def test_the_sdk_holds_errors_back_after_a_limit(database_url, tmp_path):
    """The second error is limited, and the SDK does not send the third."""
    async with running(
        database_url, tmp_path, key_envelopes_per_s=0.001, key_envelopes_burst=1
    ) as server:
        dsn = credentials.make_dsn(server.base_url, server.app.key, server.app.id)
        client: Any = sentry_sdk.Client(
            dsn=dsn, default_integrations=False, auto_session_tracking=False
        )
        held: list[bool] = []
        for message in ("one", "two", "three"):
            client.capture_event({"message": message})
            await asyncio.to_thread(client.flush, 20)
            held.append(client.transport._check_disabled("error"))
        holds_replays = client.transport._check_disabled("replay")
        await asyncio.to_thread(client.close, 20)
        assert held == [False, True, True]
        assert not holds_replays
        await server.settled()
        counts = await wait_for_limited_event(server)
        # The SDK reports the events that it dropped, and that report may be limited too.
        assert counts["event", "kept", ""] == 1
        assert counts["event", "limited", "envelope_rate"] == 1


async def wait_for_limited_event(server: Server) -> Counter[tuple[str, str, str]]:
    """Return the outcomes once the limited event is counted."""
    async with asyncio.timeout(PATIENCE_S):
        while not (counts := await server.outcomes())["event", "limited", "envelope_rate"]:
            server.service.ingest.queue.wake()
            await asyncio.sleep(0.01)
    return counts
