"""One token cannot hold all requests that a process answers, nor a slow body its request."""

import asyncio
from contextlib import ExitStack

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.core.errors import BusyService, MalformedInput
from app.rest import answers, rates


def test_a_token_has_so_many_open_requests():
    """One more is refused, also while another token is answered; an end makes room again."""
    requests = rates.OpenRequests()
    with ExitStack() as stack:
        for _ in range(rates.MOST_OF_A_TOKEN):
            stack.enter_context(requests.counting(1))
        with pytest.raises(BusyService, match="open already"):
            stack.enter_context(requests.counting(1))
        stack.enter_context(requests.counting(2))
    with requests.counting(1):
        pass


async def test_a_body_must_come_in_time(monkeypatch: pytest.MonkeyPatch):
    """A body that never ends is refused."""

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(answers, "_BODY_S", 0)
    with pytest.raises(MalformedInput, match="has not come"):
        await answers.read_json(Request({"type": "http"}, receive))
