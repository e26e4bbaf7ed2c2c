"""Sends the recorded demo as a phone does: compressed, with the headers of SDKs, one by one."""

import asyncio
import gzip
import ipaddress
import secrets
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpx2

from app.core import clock, ids
from app.core.errors import InvalidInput, PermissionDenied, ServiceUnavailable
from app.core.ids import PublicKey, ReplayId
from app.core.log import shown
from app.demo import record
from app.demo.record import SENT_AFTER_MS, Delivery, Sender
from app.demo.session import APP, BACKEND

_TIMEOUT_S: Final = 30.0
_SEED_BITS: Final = 64
_OK: Final = 200
_WRONG_KEY: Final = (401, 403)
_GZIP_LEVEL: Final = 6
_WRONG_NAME: Final = "the certificate is for another host; use an address that it names"
_CERTIFICATE_ADVICE: Final = {
    9: "the certificate is not valid yet; look at the clocks of both machines",
    10: "the certificate has expired; renew it on the server",
    62: _WRONG_NAME,
    64: _WRONG_NAME,
}
"""What helps, by the code of OpenSSL (`X509_V_ERR_…` in `openssl/x509_vfy.h`)."""
_UNKNOWN_AUTHORITY: Final = "name a file with the certificate of its authority in SSL_CERT_FILE"

Progress = Callable[[int, int], None]
"""Called with the number of requests answered and the number of all requests."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of sending; `refused` has the answers to envelopes that the server refused."""

    replay_id: ReplayId
    sent: int
    refused: tuple[str, ...]


class _Endpoint(NamedTuple):
    """The address and key of one project."""

    url: str
    public_key: PublicKey


async def send_demo(
    app_dsn: str,
    backend_dsn: str,
    *,
    base_url: str | None = None,
    on_progress: Progress | None = None,
    seed: int | None = None,
    replay_id: ReplayId | None = None,
) -> DemoResult:
    """Record the demo so that it ended a minute ago, and send it.

    Args:
        app_dsn: The DSN of the project for the replay and the app's errors.
        backend_dsn: The DSN of the project for the backend's errors; it may be the same project.
        base_url: The address to send to instead of that in the DSNs, such as
            `http://127.0.0.1:8000`.
        on_progress: Called after every answer, and once with 0 when the recording is ready.
        seed: The same seed gives the same customer, ids and latencies; by default each replay is
            different.
        replay_id: The id of the replay for a caller who waits for it; None draws one from the seed.

    Raises:
        InvalidInput: A DSN cannot be read.
        PermissionDenied: The server does not know a key.
        ServiceUnavailable: The server did not answer.
    """
    endpoints = {
        "app": _read_endpoint(app_dsn, base_url),
        "backend": _read_endpoint(backend_dsn, base_url),
    }
    deliveries = await asyncio.to_thread(
        record.record_demo,
        secrets.randbits(_SEED_BITS) if seed is None else seed,
        clock.now_ms() - SENT_AFTER_MS,
        app_key=endpoints["app"].public_key,
        replay_id=replay_id,
    )
    refused: list[str] = []
    tell = on_progress or (lambda _sent, _total: None)
    tell(0, len(deliveries))
    async with _open_client(endpoints.values()) as client:
        for at, delivery in enumerate(deliveries, 1):
            answer = await _post(client, endpoints[delivery.project], delivery)
            if answer.status_code != _OK:
                refused.append(f"{answer.status_code}: {shown(answer.text)}")
            tell(at, len(deliveries))
    return DemoResult(deliveries[0].replay_id, len(deliveries) - len(refused), tuple(refused))


def _open_client(endpoints: Iterable[_Endpoint]) -> httpx2.AsyncClient:
    """Open a client that knows the proxies and certificates of the environment, as curl does.

    A proxy is not asked for addresses of this machine, which it could not reach.
    """
    hosts = {urlsplit(endpoint.url).hostname or "" for endpoint in endpoints}
    direct = {
        f"all://[{host}]" if ":" in host else f"all://{host}": None
        for host in hosts
        if _is_this_machine(host)
    }
    return httpx2.AsyncClient(timeout=_TIMEOUT_S, mounts=direct)


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_endpoint(dsn: str, base_url: str | None) -> _Endpoint:
    """Turn a DSN into the address of the envelope endpoint."""
    try:
        parts = urlsplit(dsn.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidInput(f"cannot read the DSN {shown(dsn)}") from None
    prefix, _, project = parts.path.rstrip("/").rpartition("/")
    public_key = ids.read_hex32(parts.username)
    if not (public_key and project.isdecimal() and host):
        raise InvalidInput(f"expected a DSN like http://KEY@HOST/PROJECT, got {shown(dsn)}")
    where = f"[{host}]" if ":" in host else host
    address = f"{parts.scheme}://{where}{f':{port}' if port else ''}{prefix}"
    root = (base_url or address).rstrip("/")
    return _Endpoint(f"{root}/api/{project}/envelope/", PublicKey(public_key))


async def _post(
    client: httpx2.AsyncClient, endpoint: _Endpoint, delivery: Delivery
) -> httpx2.Response:
    body = gzip.compress(delivery.envelope, _GZIP_LEVEL, mtime=0)
    headers = _headers(delivery.project, endpoint.public_key)
    try:
        answer = await client.post(endpoint.url, content=body, headers=headers)
    except httpx2.HTTPError as error:
        fault = _find_certificate_fault(error)
        advice = "is the server running there?"
        if fault is not None:
            advice = _CERTIFICATE_ADVICE.get(fault.verify_code, _UNKNOWN_AUTHORITY)
        raise ServiceUnavailable(
            f"no answer from {endpoint.url} ({shown(str(error) or type(error).__name__)}): {advice}"
        ) from error
    if answer.status_code in _WRONG_KEY:
        raise PermissionDenied(
            f"{endpoint.url} does not take the key {endpoint.public_key} "
            f"({answer.status_code}: {shown(answer.text)})"
        )
    return answer


def _find_certificate_fault(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Find why the certificate of a server could not be verified; None if an error is another."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        # httpx's own errors hide that of TLS, at two levels.
        error = error.__cause__ or error.__context__
    return error


def _headers(project: Sender, public_key: PublicKey) -> dict[str, str]:
    """Return the request headers of the Android or the Python SDK."""
    is_app = project == "app"
    client = (APP if is_app else BACKEND)["client"]
    fields = ("sentry_version=7", f"sentry_client={client}", f"sentry_key={public_key}")
    headers = {"Accept": "application/json", "Connection": "close"} if is_app else {}
    return headers | {
        "User-Agent": client,
        "X-Sentry-Auth": "Sentry " + ("," if is_app else ", ").join(fields),
        "Content-Encoding": "gzip",
        "Content-Type": "application/x-sentry-envelope",
    }
