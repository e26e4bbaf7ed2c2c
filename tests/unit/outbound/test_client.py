"""What the clients of webhooks and mails make once, not with each delivery."""

import ssl

import httpx2
import pytest

from app.core.errors import DeliveryFailed
from app.mail.mailbox import read_mailbox
from app.mail.server import Mailer, OutgoingMail, read_mail_server
from app.outbound.allowed_hosts import AllowedHosts
from app.outbound.client import OutboundClient
from tests.support.servers.ports import find_free_port


async def test_certificates_are_read_before_the_first_delivery(monkeypatch: pytest.MonkeyPatch):
    """Reading them takes long enough to hold up everything else in the process."""
    port = find_free_port()
    client = OutboundClient(AllowedHosts.read(["127.0.0.1"]))
    mailer = Mailer(read_mail_server(f"smtps://127.0.0.1:{port}"), read_mailbox("a@example.com"))

    def refuse(*_arguments: object, **_options: object) -> ssl.SSLContext:
        raise AssertionError("the certificates are read again")

    monkeypatch.setattr(ssl, "create_default_context", refuse)
    monkeypatch.setattr(httpx2, "create_ssl_context", refuse)
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", refuse)
    with pytest.raises(DeliveryFailed, match="cannot be reached"):
        await client.post(f"https://127.0.0.1:{port}/", b"{}", {})
    with pytest.raises(DeliveryFailed, match="cannot be used"):
        await mailer.send(OutgoingMail("b@example.com", "Hello", "Hello", "k"))
    await client.close()
