"""H7: nobody reads or reaches the operator's network through a webhook (SSRF)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.errors import DeliveryFailed
from app.outbound import client as outbound
from app.outbound.allowed_hosts import AllowedHosts
from app.outbound.client import OutboundClient
from tests.support.builders.certificates import make_certificate
from tests.support.servers.receivers import serving_webhook
from tests.unit.outbound.test_public_addresses import PRIVATE_IPV4, PRIVATE_IPV6, write_in_ipv6

LOCAL = AllowedHosts.read(["127.0.0.1"])


def resolve_to(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Let names resolve to some addresses, in each round to other ones; return who was asked."""
    asked: list[str] = []
    left = list(rounds)

    def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        return left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setattr(outbound, "_look_up", look_up)
    return asked


async def refuse(client: OutboundClient, url: str) -> DeliveryFailed:
    """Post to an address that must be refused; return why it was."""
    with pytest.raises(DeliveryFailed) as refusal:
        await client.post(url, b"{}", {})
    return refusal.value


@pytest.mark.parametrize(
    "address",
    [
        *PRIVATE_IPV4,
        *PRIVATE_IPV6,
        *[form for each in PRIVATE_IPV4 for form in write_in_ipv6(each)],
    ],
)
async def test_a_name_that_leads_into_a_private_network_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
):
    """Whatever form the answer has, alone or behind a public address, nothing is connected."""
    client = OutboundClient(AllowedHosts())
    for answers in ([address], ["93.184.216.34", address], [address, "93.184.216.34"]):
        resolve_to(monkeypatch, answers)
        error = await refuse(client, "https://hook.example/x")
        assert "private" in str(error) or "no address" in str(error)
    await client.close()


@pytest.mark.parametrize(
    "host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "\u2460\u2461\u2466.1"]
)
async def test_a_loopback_host_in_disguise_is_refused(host: str):
    """Spellings that only the resolver understands are judged by what they resolve to."""
    client = OutboundClient(AllowedHosts())
    await refuse(client, f"https://{host}/x")
    await client.close()


async def test_a_name_is_resolved_once_and_the_connection_goes_there(
    monkeypatch: pytest.MonkeyPatch,
):
    """A name server that answers with a private address the second time gains nothing."""
    async with serving_webhook() as receiver:
        # The first answer is listed for the test, the second one would lead to the same receiver.
        asked = resolve_to(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        client = OutboundClient(LOCAL)
        answer = await client.post(f"http://rebind.example:{receiver.port}/x", b"{}", {})
        assert answer.status == 200
        assert asked == ["rebind.example"]
        assert receiver.requests[0].headers["host"] == f"rebind.example:{receiver.port}"
        # The second round resolves to an address that is not listed, and is refused.
        await refuse(client, f"http://rebind.example:{receiver.port}/x")
        assert len(receiver.requests) == 1
        await client.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int):
    """The answer to a message is its status; where it wants to lead on does not matter."""
    async with serving_webhook() as inner, serving_webhook() as receiver:
        receiver.statuses, receiver.headers = [status], {"location": inner.url}
        client = OutboundClient(LOCAL)
        answer = await client.post(receiver.url, b"{}", {})
        assert (answer.status, answer.is_accepted) == (status, False)
        assert inner.requests == []
        await client.close()


async def test_an_answer_that_never_ends_costs_nothing():
    """The body of an answer is not read, however long it is."""
    async with serving_webhook() as receiver:
        receiver.is_endless = True
        client = OutboundClient(LOCAL)
        assert (await client.post(receiver.url, b"{}", {})).is_accepted
        await client.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200_000,
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2_000_000,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 9999 Huge\r\n\r\n",
        b"",
        b"\x16\x03\x01" + b"\0" * 500,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
    ],
)
async def test_an_answer_that_is_not_http_fails_in_words_of_ours(raw: bytes):
    """The answer of another protocol does not reach the log of messages."""
    async with serving_webhook() as receiver:
        receiver.raw_answer = raw
        client = OutboundClient(LOCAL, deadline_s=5)
        error = await refuse(client, receiver.url)
        assert "SSH" not in str(error)
        await client.close()


async def test_a_receiver_that_is_silent_is_given_up():
    """A message does not wait longer than its deadline, from the first look-up on."""
    async with serving_webhook() as receiver:
        receiver.is_silent = True
        client = OutboundClient(LOCAL, deadline_s=0.2)
        assert "no answer within" in str(await refuse(client, receiver.url))
        await client.close()


async def test_headers_of_the_answer_are_read_as_numbers_only():
    """`Retry-After` is bounded, and nothing that it may hold beside a time is believed."""
    read: Callable[[str | None], int | None] = outbound._read_wait_s
    assert read("120") == 120
    assert read("9" * 4_000) == 3_600
    assert read("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    for odd in (None, "", "-1", "1.5", "٣", "soon", "Wed, 99 Foo"):
        assert read(odd) is None


async def test_the_certificate_is_checked_for_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The connection goes to an address, and the certificate must be that of the name."""
    certificate = make_certificate(tmp_path, "hook.example")
    resolve_to(monkeypatch, ["127.0.0.1"])
    async with serving_webhook(tls=certificate.server) as receiver:
        client = OutboundClient(LOCAL, tls=certificate.client)
        url = f"https://hook.example:{receiver.port}/x"
        assert (await client.post(url, b"{}", {})).is_accepted
        other = f"https://other.example:{receiver.port}/x"
        assert "certificate" in str(await refuse(client, other))
        assert len(receiver.requests) == 1
        await client.close()
        strangers = OutboundClient(LOCAL)
        assert "certificate" in str(await refuse(strangers, url))
        await strangers.close()


async def test_a_host_that_cannot_be_reached_is_not_described(monkeypatch: pytest.MonkeyPatch):
    """Refused and filtered ports are told alike, so that nobody scans a network with webhooks."""
    resolve_to(monkeypatch, ["127.0.0.1"])
    client = OutboundClient(LOCAL)
    error = await refuse(client, "http://hook.example:1/x")
    assert str(error) == "the host cannot be reached"
    await client.close()
