"""The installed uvicorn is the one whose insides `app/api` uses."""

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
INSIDES: Final = {
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
"""What `app/api/bounds.py`, `connection.py` and `exchange.py` read, call, override or imitate."""
ADVICE: Final = f"""
uvicorn {version("uvicorn")} is installed, app/api is written against the insides of {WRITTEN_FOR}:
{"".join(f"  {name}: {', '.join(INSIDES[name])}{chr(10)}" for name in INSIDES)}
Compare uvicorn/protocols/http/httptools_impl.py of both releases. `Connection` replaces
data_received, on_header, on_response_complete and the keep-alive timer, and `Exchange` stands for
RequestResponseCycle: mend what differs in app/api/bounds.py, connection.py and exchange.py. Then
run tests/unit/api, tests/api, tests/contract, tests/hostile/test_memory.py and change WRITTEN_FOR.
"""


def test_uvicorn_is_the_release_that_is_built_on():
    """Another minor version may change what is not its interface."""
    installed = ".".join(version("uvicorn").split(".")[:2])
    assert installed == WRITTEN_FOR, ADVICE


@pytest.fixture
async def insides() -> dict[str, object]:
    """An object of each class whose insides are used, as uvicorn makes it."""

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


@pytest.mark.parametrize("name", INSIDES)
async def test_uvicorn_has_the_insides_that_are_used(insides, name):
    """Every attribute and method that `app/api` touches is there."""
    missing = [inside for inside in INSIDES[name] if not hasattr(insides[name], inside)]
    assert missing == [], ADVICE


def test_uvicorn_has_a_line_for_each_status():
    """Refusals of heads are written with uvicorn's own status lines."""
    assert httptools_impl.STATUS_LINE[431] == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
