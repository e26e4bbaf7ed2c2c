"""Mails as they reach a real SMTP server, whatever their texts hold."""

from pathlib import Path

import pytest

from app.core.errors import DeliveryFailed, InvalidInput
from app.mail.mailbox import read_mail_address, read_mailbox
from app.mail.server import Mailer, MailServer, OutgoingMail, read_mail_server
from tests.support.builders.certificates import make_certificate
from tests.support.servers.ports import find_free_port
from tests.support.servers.receivers import serving_mail

SENDER = read_mailbox("Playhead <playhead@example.com>")
MAIL = OutgoingMail("ada@example.com", "New issue", "Crash in pay()\n", "a1")


async def test_a_mail_arrives_as_it_was_written():
    """Subject, text, sender and the name by which it is known arrive; no person wrote it."""
    with serving_mail() as receiver:
        await Mailer(read_mail_server(receiver.url), SENDER).send(
            OutgoingMail("ada@example.com", "Ünïcode ✓", "Zürich\n" + "x" * 2_000 + "\n", "a1")
        )
        [mail] = receiver.mails
        assert mail["subject"] == "Ünïcode ✓"
        assert mail["from"] == "Playhead <playhead@example.com>"
        assert mail["message-id"] == "<a1@example.com>"
        assert mail["auto-submitted"] == "auto-generated"
        assert mail.get_content().splitlines() == ["Zürich", "x" * 2_000]
        assert receiver.recipients == [["ada@example.com"]]


@pytest.mark.parametrize(
    "title",
    [
        "Boom\r\nBcc: eve@example.com",
        "Boom\nBcc: eve@example.com\n\nHello",
        "Boom\rBcc: eve@example.com",
        "Boom\x0b\x0c\x1c\x1d\x85\u2028\u2029Bcc: eve@example.com",
        "=?utf-8?q?Boom=0D=0ABcc=3A_eve=40example=2Ecom?=",
        "\u202egnp.exe",
        "\ud800 half",
        "x" * 5_000,
        "\0\x07",
        "",
    ],
)
async def test_no_title_becomes_a_header_or_another_recipient(title: str):
    """Titles come from apps, so from whoever has a key: they stay one line of one header."""
    with serving_mail() as receiver:
        await Mailer(read_mail_server(receiver.url), SENDER).send(
            OutgoingMail("ada@example.com", title, f"{title}\n.\nRSET\n", "a1")
        )
        [mail] = receiver.mails
        assert receiver.recipients == [["ada@example.com"]]
        assert mail["bcc"] is None
        assert sorted(mail.keys()) == sorted(
            [
                "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type",
                "Content-Transfer-Encoding", "MIME-Version",
            ]
        )  # fmt: skip
        assert not any(mark in str(mail["subject"]) for mark in "\r\n\u202e")


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "@example.com", "ada@", "ada@example.com, eve@example.com",
        "ada@example.com\r\nRCPT TO:<eve@example.com>", "Ada <ada@example.com>", "a b@example.com",
        '"a b"@example.com', "ada@exam ple.com", "ada@[127.0.0.1]", "a..b@example.com",
        "ada@example.com>", "ada@" + "x" * 300 + ".com", "x" * 65 + "@example.com", "ada@-",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(text: str):
    """A form takes one address and nothing beside it."""
    with pytest.raises(InvalidInput):
        read_mail_address(text)


async def test_what_the_server_refuses_for_good_is_final():
    """A mailbox that does not exist is not tried again; a full one is."""
    with serving_mail() as receiver:
        mailer = Mailer(read_mail_server(receiver.url), SENDER)
        for answer, is_final in (
            ("550 no such mailbox", True),
            ("452 mailbox full", False),
            ("451 try later", False),
            ("530 sign in first", False),
        ):
            receiver.refusals = [answer]
            with pytest.raises(DeliveryFailed) as refusal:
                await mailer.send(MAIL)
            assert refusal.value.is_final == is_final
        assert receiver.mails == []


async def test_a_password_is_sent_under_tls_alone(tmp_path: Path):
    """STARTTLS is used where it is offered, and a password is not sent without."""
    certificate = make_certificate(tmp_path, "localhost")
    with serving_mail(password="s3cret", tls=certificate.server) as receiver:
        server = MailServer("localhost", receiver.port, False, "ada", "s3cret")
        await Mailer(server, SENDER, tls=certificate.client).send(MAIL)
        assert len(receiver.mails) == 1
        wrong = MailServer("localhost", receiver.port, False, "ada", "wrong")
        with pytest.raises(DeliveryFailed):
            await Mailer(wrong, SENDER, tls=certificate.client).send(MAIL)
    assert MailServer("mail.example.com", 587, False, "ada", "x").needs_tls
    with serving_mail() as receiver:
        remote = MailServer("127.0.0.2", receiver.port, False, "ada", "s3cret")
        assert remote.needs_tls
        with pytest.raises(DeliveryFailed):
            await Mailer(remote, SENDER).send(MAIL)


async def test_a_server_that_is_away_is_tried_again():
    """Nobody listens: the mail waits."""
    mailer = Mailer(MailServer("127.0.0.1", find_free_port(), False), SENDER)
    with pytest.raises(DeliveryFailed) as refusal:
        await mailer.send(MAIL)
    assert not refusal.value.is_final


def test_the_setting_names_a_server():
    """User and password are percent-encoded; the port follows from the scheme."""
    server = read_mail_server("smtp://ada%40x:p%2Fw@mail.example.com")
    assert (server.host, server.port, server.user, server.password) == (
        "mail.example.com", 587, "ada@x", "p/w",
    )  # fmt: skip
    assert read_mail_server("smtps://mail.example.com").port == 465
    for url in ("http://x", "smtp://", "smtp://x/y", "mail.example.com:25", "smtp://x?a=b"):
        with pytest.raises(ValueError, match="must"):
            read_mail_server(url)
    with pytest.raises(ValueError, match="address"):
        read_mailbox("nobody")
