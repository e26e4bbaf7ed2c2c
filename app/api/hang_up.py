"""Ends an exchange without an answer, so that a phone keeps its envelope and sends it again.

Any status line, 5xx included, makes mobile SDKs delete what they sent. ASGI has no word for "no
answer", so this reaches through uvicorn's `receive` to its connection; a contract test guards it
against every upgrade.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.core import log

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_logger = log.get("api.hang_up")


def hang_up(receive: Receive) -> None:
    """Close the client's connection at once, without a status line.

    Args:
        receive: The ASGI callable of the request, as uvicorn made it.

    Raises:
        RuntimeError: This server offers no way to close a connection.
    """
    exchange = getattr(receive, "__self__", None)
    transport = getattr(exchange, "transport", None)
    if exchange is None or transport is None:
        raise RuntimeError("the server gives no access to its connection")
    # Whatever is sent from here on goes nowhere.
    exchange.disconnected = True
    transport.abort()
    _logger.warning("hung up on a sender, it will send again")
