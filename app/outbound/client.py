"""Posts to the webhooks that people have typed, and to nothing inside the operator's network.

    address ─► resolve once ─► is every answer public? ─► connect to one of these answers
            ─► post ─► status and Retry-After; the body of the answer is not read

A name is resolved once, and the connection goes to the address that was checked, so a name server
that answers differently the second time (DNS rebinding) gains nothing. Redirects are not followed.
Proxies of the environment are not used, as they would resolve the name again.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx2

from app import __version__
from app.core import clock
from app.core.errors import DeliveryFailed, InvalidInput
from app.outbound.allowed_hosts import AllowedHosts
from app.outbound.public_addresses import IPAddress, is_public, read_address
from app.outbound.webhook_address import WebhookAddress, read_webhook_address

DEADLINE_S: Final = 10.0
"""The longest time for a request, from the name server's answer to the status, in seconds."""
_CONNECT_S: Final = 4.0
_MOST_ADDRESSES: Final = 4
"""The most addresses of a host to which a connection is tried."""
_RESOLVERS: Final = 4
"""Threads in which names are resolved. They serve nothing else: a name server that never answers
must not block the threads that the rest of the process uses."""
_LONGEST_WAIT_S: Final = 3_600
_USER_AGENT: Final = f"Playhead/{__version__} (webhook)"


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """The status of an answer, and the pause that the receiver asks for."""

    status: int
    wait_s: int | None
    """The seconds after which the receiver wants to be asked again, at most an hour."""

    @property
    def is_accepted(self) -> bool:
        """True if the receiver has accepted the message."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class OutboundClient:
    """Sends requests; each has a connection of its own. Use it from one event loop."""

    def __init__(
        self,
        allowed: AllowedHosts,
        *,
        tls: ssl.SSLContext | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """Make a client; nothing is opened yet.

        Args:
            allowed: Hosts that may be in a private network, and that may be asked by http.
            tls: The certificates to trust; None for those of the system's public authorities.
            deadline_s: The time that one request may take.
        """
        self.allowed: Final = allowed
        # Reading the certificates of all authorities takes some 20 ms: not with each delivery.
        self._tls = tls or httpx2.create_ssl_context(trust_env=False)
        self._deadline_s = deadline_s
        self._resolvers = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="webhook names")

    async def close(self) -> None:
        """Stop the threads that resolve names, without waiting for name servers."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> WebhookAnswer:
        """Post a body to an address.

        Raises:
            DeliveryFailed: The address is refused, cannot be reached, or does not answer in time.
        """
        try:
            address = read_webhook_address(url, self.allowed)
        except InvalidInput as error:
            raise DeliveryFailed(str(error), is_final=True) from None
        try:
            async with asyncio.timeout(self._deadline_s):
                addresses = await self._resolve(address)
                return await self._post_to_first(address, addresses, body, headers)
        except TimeoutError:
            raise DeliveryFailed(f"no answer within {self._deadline_s:g} s") from None

    async def _resolve(self, address: WebhookAddress) -> list[IPAddress]:
        """Return the addresses of a host, after checking that all of them are allowed.

        Raises:
            DeliveryFailed: The name leads nowhere, or to a private network.
        """
        literal = read_address(address.host)
        if literal is not None:
            found = [literal]
        else:
            found = await self._ask_name_server(address)
        is_listed = self.allowed.allows_name(address.host)
        for each in found:
            # One private answer among public ones is refused, too: no receiver needs it.
            is_private = not is_public(each)
            if not is_listed and not self.allowed.allows_address(each):
                if is_private:
                    raise DeliveryFailed("the host is in a private network")
                if address.scheme != "https":
                    raise DeliveryFailed("the address must begin with https://")
        return found[:_MOST_ADDRESSES]

    async def _ask_name_server(self, address: WebhookAddress) -> list[IPAddress]:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(
                self._resolvers, _look_up, address.host, address.port
            )
        except (OSError, UnicodeError):
            raise DeliveryFailed("no name server knows the host") from None
        found = [parsed for text in answers if (parsed := read_address(text)) is not None]
        if not found or len(found) != len(answers):
            raise DeliveryFailed("the host has no address that can be used")
        return found

    async def _post_to_first(
        self,
        address: WebhookAddress,
        addresses: list[IPAddress],
        body: bytes,
        headers: Mapping[str, str],
    ) -> WebhookAnswer:
        """Post to the first of some addresses that can be connected to."""
        fault = DeliveryFailed("the host cannot be reached")
        for each in addresses:
            try:
                return await self._post_to(address, each, body, headers)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                fault = DeliveryFailed(_describe_connect_error(error))
            except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError) as error:
                raise DeliveryFailed(
                    f"the answer is not HTTP that can be read ({type(error).__name__})"
                ) from None
        raise fault

    async def _post_to(
        self,
        address: WebhookAddress,
        to: IPAddress,
        body: bytes,
        headers: Mapping[str, str],
    ) -> WebhookAnswer:
        host = f"[{to}]" if to.version == 6 else str(to)  # noqa: PLR2004 - the version of IP
        transport = httpx2.AsyncHTTPTransport(verify=self._tls, retries=0, trust_env=False)
        async with (
            httpx2.AsyncClient(
                transport=transport,
                follow_redirects=False,
                trust_env=False,
                timeout=httpx2.Timeout(self._deadline_s, connect=_CONNECT_S),
            ) as client,
            client.stream(
                "POST",
                f"{address.scheme}://{host}:{address.port}{address.target}",
                content=body,
                headers={
                    "user-agent": _USER_AGENT,
                    **headers,
                    "host": address.authority,
                    "connection": "close",
                },
                # The certificate is checked for the name, although the connection is to an address.
                extensions={"sni_hostname": address.host},
            ) as answer,
        ):
            # Leaving the block closes the connection, however much of the body is to come.
            return WebhookAnswer(
                answer.status_code, _read_wait_s(answer.headers.get("retry-after"))
            )


def _look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a host in the resolver's order, each once; runs in a thread."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _describe_connect_error(error: httpx2.TransportError) -> str:
    """Describe why a connection failed, without telling anything about the operator's network."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "the certificate of the host is not valid for its name"
        if isinstance(cause, ssl.SSLError):
            return "the host does not speak TLS as it should"
        cause = cause.__cause__ or cause.__context__
    return "the host cannot be reached"


def _read_wait_s(value: str | None) -> int | None:
    """Read `Retry-After`: seconds or a date; at most an hour, None for anything else."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(int(text[:9]), _LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if until.tzinfo is None:
        return None
    return max(0, min(int((until - clock.now()).total_seconds()), _LONGEST_WAIT_S))
