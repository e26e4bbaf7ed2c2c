"""The installed uvicorn is the one whose internals `app/api` uses."""

from importlib.metadata import version
from types import SimpleNamespace
from typing import Final

import pytest
import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

WRITTEN_FOR: Final = "0.54"
INTERNALS: Final = {
    "HttpToolsProtocol": (
        *("app", "client", "connections", "cycle", "expect_100_continue", "flow", "headers"),
        *("logger", "loop", "parser", "pipeline", "scope", "server_state", "tasks"),
        *("timeout_keep_alive", "transport", "url"),
        *("connection_lost", "connection_made", "data_received", "eof_received", "on_body"),
        *("on_header", "on_headers_complete", "on_message_begin", "on_message_complete"),
        *("on_response_complete", "on_url", "resume_writing", "send_400_response", "shutdown"),
        "_start_asgi_task",
    ),
    "RequestResponseCycle": (
        *("disconnected", "keep_alive", "message_event", "more_body", "response_complete"),
        "response_started",
    ),
    "FlowControl": ("pause_reading", "read_paused", "resume_reading", "write_paused"),
    "ServerState": ("connections", "default_headers", "tasks", "total_requests"),
    "ProxyHeadersMiddleware": ("trusted_hosts",),
}
"""Members that modules of `app/api` read, call, override or imitate."""
ADVICE: Final = f"""
uvicorn {version("uvicorn")} is installed, app/api is written for the internals of {WRITTEN_FOR}:
{"".join(f"  {name}: {', '.join(INTERNALS[name])}{chr(10)}" for name in INTERNALS)}
Compare uvicorn/protocols/http/httptools_impl.py of both releases. `HttpConnection` replaces
data_received, on_header, on_response_complete and the keep-alive timer, and `IngestExchange` takes
the place of RequestResponseCycle: adapt app/api/bounded_protocol.py, connection.py and exchange.py.
Then run tests/unit/api, tests/api, tests/contract, tests/hostile/test_memory.py and change
WRITTEN_FOR.
"""


def test_uvicorn_is_the_release_that_is_built_on():
    """Another minor version may change what is not its interface."""
    installed = ".".join(version("uvicorn").split(".")[:2])
    assert installed == WRITTEN_FOR, ADVICE


@pytest.fixture
async def internals() -> dict[str, object]:
    """An object of each class whose internals are used, made as uvicorn makes it."""

    async def application(_scope: object, _receive: object, _send: object) -> None:
        pass

    config = uvicorn.Config(application, lifespan="off", ws="none", log_config=None)
    config.load()
    state = ServerState()
    protocol = HttpToolsProtocol(config, state, {})
    protocol.on_message_begin()
    transport = SimpleNamespace()
    flow = FlowControl(transport)  # type: ignore[arg-type]  # it is only kept
    cycle = RequestResponseCycle(
        **dict.fromkeys(
            ("scope", "transport", "logger", "access_logger", "access_log", "default_headers")
        ),  # type: ignore[arg-type]  # they are only kept
        flow=flow,
        message_event=SimpleNamespace(),  # type: ignore[arg-type]  # as above
        expect_100_continue=False,
        keep_alive=True,
        on_response=print,
    )
    return {
        "HttpToolsProtocol": protocol,
        "RequestResponseCycle": cycle,
        "FlowControl": flow,
        "ServerState": state,
        "ProxyHeadersMiddleware": ProxyHeadersMiddleware(application, "127.0.0.1"),
    }


@pytest.mark.parametrize("name", INTERNALS)
async def test_uvicorn_has_the_internals_that_are_used(internals, name):
    """Every attribute and method that `app/api` touches is there."""
    missing = [member for member in INTERNALS[name] if not hasattr(internals[name], member)]
    assert missing == [], ADVICE


def test_uvicorn_has_a_line_for_each_status():
    """Refusals of heads are written with uvicorn's own status lines."""
    assert httptools_impl.STATUS_LINE[431] == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
