"""The order of a stop: requests end, then what is left is written to Postgres."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from app import main
from app.core.running import runtime
from app.core.settings import Settings


async def test_the_time_for_postgres_begins_when_requests_have_ended(
    monkeypatch: pytest.MonkeyPatch,
):
    """A slow request uses up its own time, and not that of digest and the heartbeat."""
    steps: list[str] = []
    service = SimpleNamespace(
        application=None,
        endpoint=SimpleNamespace(is_stopping=False),
        opened_pages=None,
        begin_to_stop=lambda: steps.append("Postgres has its time"),
    )

    async def serve(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        server.started = True
        await server.shutdown(sockets)

    async def end_requests(*_arguments: Any) -> None:
        assert service.endpoint.is_stopping
        steps.append("requests have ended")

    @asynccontextmanager
    async def open_service(*_arguments: Any) -> AsyncIterator[SimpleNamespace]:
        yield service
        steps.append("the service closes")

    monkeypatch.setattr(uvicorn.Server, "serve", serve)
    monkeypatch.setattr(uvicorn.Server, "shutdown", end_requests)
    monkeypatch.setattr(main, "open_service", open_service)
    monkeypatch.setattr(runtime, "tune_interpreter", lambda: None)
    with socket.socket() as listener:
        events = main.StartEvents(on_ready=None, on_waiting=lambda _reason: None)
        await main.serve_on(listener, Settings(), events)
    assert steps == ["requests have ended", "Postgres has its time", "the service closes"]
