"""Answers HEAD like GET without the body: monitors of all kinds send it.

Source: RFC 9110, section 9.3.2.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """ASGI middleware that asks the application with GET, and drops the body of its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        is_read, is_answered = False, asyncio.Event()

        async def receive_once() -> Message:
            """Pass the request on; then say that the client is gone, which ends a long answer."""
            nonlocal is_read
            if not is_read:
                is_read = True
                return await receive()
            await is_answered.wait()
            return {"type": "http.disconnect"}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            elif not is_answered.is_set():
                is_answered.set()
                await send({"type": "http.response.body"})

        await self._app({**scope, "method": "GET"}, receive_once, send_head)
