"""The demo is sent like the traffic of a phone, and reports what went wrong."""

import asyncio
import gzip
import ssl
from collections.abc import Callable
from functools import partial

import httpx2
import pytest

from app.core.errors import InvalidInput, PermissionDenied, ServiceUnavailable
from app.core.ids import ReplayId
from app.demo import send
from app.demo.record import Delivery
from app.formats.wire import credentials

APP = "http://9d3f5c7e1b2a4866a0c4e2f8d6b19375@phone.example:8000/sentry/42"
BACKEND = "http://a1f0c3d2b4e5968778695a4b3c2d1e0f@phone.example:8000/sentry/43"
REPLAY_ID = ReplayId("5b1c0f4e9a7d4c3e8f20716d3b9a4c55")
SHORT = [
    Delivery(b'{"event_id":"1"}\n', "app", REPLAY_ID),
    Delivery(b'{"event_id":"2"}\n', "backend", REPLAY_ID),
    Delivery(b'{"event_id":"3"}\n', "app", REPLAY_ID),
]

Answer = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def short_demo(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Stand-in for the recording: three small envelopes; remembers what was asked for."""
    asked: list[tuple[int, int]] = []
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def record(
        seed: int, ended_ms: int, *, app_key: str, replay_id: str | None = None
    ) -> list[Delivery]:
        assert app_key == APP[7:39]
        asked.append((seed, ended_ms))
        return SHORT

    monkeypatch.setattr("app.demo.record.record_demo", record)
    monkeypatch.setattr("app.core.clock.now_ms", lambda: 1_795_480_000_000)
    return asked


@pytest.fixture
def install_server(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[httpx2.Request]]:
    """Return a function that installs a fake server, which returns the requests it gets."""

    def install(answer: Answer) -> list[httpx2.Request]:
        seen: list[httpx2.Request] = []

        def serve(request: httpx2.Request) -> httpx2.Response:
            seen.append(request)
            return answer(request)

        client = partial(httpx2.AsyncClient, transport=httpx2.MockTransport(serve))
        monkeypatch.setattr("httpx2.AsyncClient", client)
        return seen

    return install


InstallServer = Callable[[Answer], list[httpx2.Request]]


def _accept(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"id": "1"})


async def test_each_project_gets_its_own(install_server: InstallServer):
    """App and backend go to their own project with their own key, gzipped."""
    requests = install_server(_accept)
    result = await send.send_demo(APP, BACKEND)
    assert (result.replay_id, result.sent, result.refused) == (REPLAY_ID, 3, ())
    assert [str(request.url) for request in requests] == [
        f"http://phone.example:8000/sentry/api/{project}/envelope/" for project in (42, 43, 42)
    ]
    for request, delivery in zip(requests, SHORT, strict=True):
        assert gzip.decompress(request.content) == delivery.envelope
        header = request.headers["X-Sentry-Auth"]
        parsed = credentials.read_credentials(auth_headers=[header], query="")
        assert parsed is not None
        dsn = APP if delivery.project == "app" else BACKEND
        assert parsed.public_key in dsn


async def test_the_app_speaks_like_the_android_sdk(install_server: InstallServer):
    """The headers are those of recorded traffic."""
    requests = install_server(_accept)
    await send.send_demo(APP, BACKEND)
    headers = requests[0].headers
    assert headers["X-Sentry-Auth"] == (
        "Sentry sentry_version=7,sentry_client=sentry.java.android/8.53.0,"
        "sentry_key=9d3f5c7e1b2a4866a0c4e2f8d6b19375"
    )
    assert headers["User-Agent"] == "sentry.java.android/8.53.0"
    assert headers["Content-Type"] == "application/x-sentry-envelope"
    assert headers["Content-Encoding"] == "gzip"
    assert requests[1].headers["User-Agent"].startswith("sentry.python")


async def test_progress_counts_up(install_server: InstallServer):
    """The caller hears of every answer."""
    install_server(_accept)
    heard: list[tuple[int, int]] = []
    await send.send_demo(APP, BACKEND, on_progress=lambda sent, total: heard.append((sent, total)))
    assert heard == [(0, 3), (1, 3), (2, 3), (3, 3)]


async def test_the_replay_ended_a_minute_ago(
    install_server: InstallServer, short_demo: list[tuple[int, int]]
):
    """The replay is the newest in the list, and its sending time is now."""
    install_server(_accept)
    await send.send_demo(APP, BACKEND, seed=7)
    assert short_demo == [(7, 1_795_480_000_000 - 60_000)]


async def test_each_play_is_another_replay(
    install_server: InstallServer, short_demo: list[tuple[int, int]]
):
    """Two plays without a seed are two replays, so the button may be pressed twice."""
    install_server(_accept)
    await send.send_demo(APP, BACKEND)
    await send.send_demo(APP, BACKEND)
    assert short_demo[0][0] != short_demo[1][0]


async def test_a_base_url_replaces_the_host(install_server: InstallServer):
    """The server can play to itself when its public name is not reachable from inside."""
    requests = install_server(_accept)
    await send.send_demo(APP, BACKEND, base_url="http://[::1]:9000/")
    assert str(requests[0].url) == "http://[::1]:9000/api/42/envelope/"


@pytest.mark.parametrize(
    ("host", "has_proxy"), [("replays.example", True), ("127.0.0.1", False), ("localhost", False)]
)
async def test_a_proxy_of_the_environment_is_asked_for_other_hosts(
    monkeypatch: pytest.MonkeyPatch, host: str, has_proxy: bool
):
    """It could not reach addresses of this machine, so these are asked directly."""
    first_lines: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first_lines.append(head.decode("ascii").split("\r\n")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    async with server:
        await send.send_demo(APP, BACKEND, base_url=f"http://{host}:{port}")
    address = f"http://{host}:{port}" if has_proxy else ""
    assert first_lines[0] == f"POST {address}/api/42/envelope/ HTTP/1.1"


async def test_an_address_in_brackets_keeps_them(install_server: InstallServer):
    """An IPv6 host in a DSN is used as it is."""
    requests = install_server(_accept)
    await send.send_demo(APP.replace("phone.example", "[::1]"), BACKEND)
    assert str(requests[0].url) == "http://[::1]:8000/sentry/api/42/envelope/"


async def test_refused_envelopes_are_told(install_server: InstallServer):
    """Other envelopes still go out, and the answer's text is kept."""
    install_server(
        lambda r: httpx2.Response(413, text="too big") if "43" in r.url.path else _accept(r)
    )
    result = await send.send_demo(APP, BACKEND)
    assert result.sent == 2
    assert len(result.refused) == 1
    assert "413" in result.refused[0]
    assert "too big" in result.refused[0]


@pytest.mark.parametrize("status", [401, 403])
async def test_an_unknown_key_stops_the_demo(install_server: InstallServer, status: int):
    """Nothing would get through with it; the error names the key and the address."""
    install_server(lambda _: httpx2.Response(status, text="no such key"))
    with pytest.raises(PermissionDenied, match=r"api/42/envelope/ does not take the key 9d3f"):
        await send.send_demo(APP, BACKEND)


async def test_a_silent_server_is_named(install_server: InstallServer):
    """The error says where nobody answered."""

    def hang_up(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    install_server(hang_up)
    with pytest.raises(ServiceUnavailable, match=r"no answer from http://phone\.example:8000"):
        await send.send_demo(APP, BACKEND)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (20, "SSL_CERT_FILE"),
        (18, "SSL_CERT_FILE"),
        (9, "clocks of both machines"),
        (10, "renew it on the server"),
        (62, "an address that it names"),
        (64, "an address that it names"),
    ],
)
async def test_a_refused_certificate_is_told_with_what_to_do(
    install_server: InstallServer, code: int, advice: str
):
    """Only a certificate of one's own needs the variable that names its authority."""

    def refuse(request: httpx2.Request) -> httpx2.Response:
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_code = code
        raise httpx2.ConnectError(str(error), request=request) from error

    install_server(refuse)
    with pytest.raises(ServiceUnavailable, match=rf"verify failed.*{advice}$"):
        await send.send_demo(APP, BACKEND)


@pytest.mark.parametrize(
    "dsn",
    [
        "",
        "http://phone.example/42",
        "http://9@[x/1",
        APP.replace("9d3f", "zzzz"),
        APP[:-2],
        "http://[x/1",
    ],
)
async def test_a_dsn_without_its_parts_is_malformed(dsn: str):
    """Before anything is recorded."""
    with pytest.raises(InvalidInput, match="DSN"):
        await send.send_demo(dsn, BACKEND)
