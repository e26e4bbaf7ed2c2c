"""What a person may type as the address of a webhook."""

import pytest

from app.core.errors import InvalidInput
from app.outbound.allowed_hosts import AllowedHosts
from app.outbound.webhook_address import read_webhook_address

NOBODY = AllowedHosts()


def test_an_address_is_taken_apart():
    """Host, port and target are read; the port of the scheme is left out of the authority."""
    address = read_webhook_address(" https://Hooks.Slack.com/services/T1/B2?x=%20 ", NOBODY)
    assert (address.host, address.port, address.target) == (
        "hooks.slack.com",
        443,
        "/services/T1/B2?x=%20",
    )
    assert address.authority == "hooks.slack.com"
    assert read_webhook_address("https://a.example:8443", NOBODY).authority == "a.example:8443"
    assert read_webhook_address("https://[2606:4700::1111]/", NOBODY).authority == (
        "[2606:4700::1111]"
    )


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.slack.com/x", "http://hooks.slack.com/x", "ftp://a.example/", "file:///etc/passwd",
        "gopher://a.example/", "https://", "https:///x", "https://user:pass@a.example/",
        "https://@a.example/", "https://a.example/#x", "https://a.example:99999/",
        "https://a.example:x/", "https://a.example/a b", "https://a.example/\r\nX: y",
        "https://a.example\\@127.0.0.1/", "https://[::1/", "https://127.0.0.1/", "https://10.1.2.3/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/", "https://\u0430pple.example/",
        "https://a.example/" + "x" * 2_000,
    ],
)  # fmt: skip
def test_what_is_no_public_address_is_refused(url: str):
    """Other schemes, credentials, fragments, control characters and private hosts are refused."""
    with pytest.raises(InvalidInput):
        read_webhook_address(url, NOBODY)


def test_a_listed_host_may_be_private_and_speak_http():
    """An admin of the server lists hosts by name, by a name above them, or by network."""
    allowed = AllowedHosts.read(["chat.lan", ".corp.example.com", "10.1.0.0/16", "[fd00::]/8"])
    for url in (
        "http://chat.lan/x",
        "http://a.b.corp.example.com/",
        "https://10.1.2.3/",
        "http://[fd00::5]:8080/",
    ):
        assert read_webhook_address(url, allowed).host in url
    for url in ("https://10.2.0.1/", "https://[::1]/"):
        with pytest.raises(InvalidInput):
            read_webhook_address(url, allowed)
    assert not allowed.allows_name("corp.example.com.evil.example")
    assert not allowed.allows_name("xchat.lan")


@pytest.mark.parametrize("entry", ["https://chat.lan", "10.0.0.0/40", "*", "a b", "", "."])
def test_an_entry_that_cannot_be_read_is_refused(entry: str):
    """A setting with a mistake stops the start instead of allowing nothing or everything."""
    with pytest.raises(ValueError, match="neither"):
        AllowedHosts.read([entry])
