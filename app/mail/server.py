"""Sends mails through the SMTP server of the operator.

Source: RFC 5321, RFC 3207 (STARTTLS), RFC 8314 (TLS from the first byte), RFC 3834 (mails that no
person has written).
"""

import asyncio
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.core import clock
from app.core.errors import DeliveryFailed
from app.mail.mailbox import Mailbox

DEADLINE_S: Final = 30.0
"""The longest time for a whole conversation with the server, in seconds."""
_PORTS: Final = {"smtp": 587, "smtps": 465}
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_SUBJECT_CHARS: Final = 200
_FINAL: Final = range(550, 555)
"""Statuses that refuse the mailbox or the mail itself, so that a retry is of no use. Other 5xx are
about the server's settings, which an operator may correct: mails wait for that."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """The SMTP server that takes mails of this installation, as its setting describes it."""

    host: str
    port: int
    is_tls_first: bool
    """True if TLS begins with the first byte (`smtps`); otherwise STARTTLS is used if offered."""
    user: str = ""
    password: str = ""

    @property
    def needs_tls(self) -> bool:
        """True if TLS is required, since a password must not travel in clear text."""
        return bool(self.user) and self.host not in _LOOPBACK


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail to one address."""

    to: str
    subject: str
    text: str
    key: str
    """The Message-ID without its domain; the same whenever this mail is sent again."""
    html: str = ""
    """The same in HTML; empty for a mail that is text alone."""


def read_mail_server(url: str) -> MailServer:
    """Read `smtp://user:password@host:port` or `smtps://…`.

    Raises:
        ValueError: It is no such address.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("must be smtp://host:port or smtps://host:port")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must end after the port")
    return MailServer(
        parts.hostname,
        parts.port or _PORTS[parts.scheme],
        parts.scheme == "smtps",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


class Mailer:
    """Sends mails, each with a connection of its own."""

    def __init__(
        self,
        server: MailServer,
        sender: Mailbox,
        *,
        tls: ssl.SSLContext | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """Make a mailer; nothing is opened yet.

        Args:
            server: The server that takes the mails.
            sender: The address that they come from.
            tls: The certificates to trust; None for the public authorities of the system.
            deadline_s: The time that one mail may take.
        """
        self._server = server
        self._sender = sender
        # Reading the certificates of all authorities takes some 20 ms: not with each mail.
        self._tls = tls or ssl.create_default_context()
        self._deadline_s = deadline_s

    async def send(self, mail: OutgoingMail) -> None:
        """Hand over a mail to the server.

        Raises:
            DeliveryFailed: The server cannot be reached, or does not take it.
        """
        message = write_message(mail, self._sender)
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._converse(message, mail.to)
        except TimeoutError:
            raise DeliveryFailed(
                f"the mail server did not take it within {self._deadline_s:g} s"
            ) from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            refusal = error.recipients[0]
            raise _make_failure(refusal.code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _make_failure(error.code) from None
        except (aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPServerDisconnected):
            raise DeliveryFailed("the mail server ended the conversation") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryFailed(
                f"the mail server cannot be used ({type(error).__name__})"
            ) from None

    async def _converse(self, message: EmailMessage, to: str) -> None:
        server = self._server
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.is_tls_first,
            # None uses STARTTLS if the server offers it; True refuses to go on without it.
            start_tls=False if server.is_tls_first else (True if server.needs_tls else None),
            username=server.user or None,
            password=server.password or None,
            tls_context=self._tls,
            timeout=self._deadline_s,
        )
        async with smtp:
            await smtp.send_message(message, sender=self._sender.address, recipients=[to])


def write_message(mail: OutgoingMail, sender: Mailbox) -> EmailMessage:
    """Write a mail as it goes over the wire; no text of it can begin another header."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender.to_header()
    message["To"] = Mailbox(mail.to).to_header()
    message["Subject"] = clean_header(mail.subject)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{clean_header(mail.key)}@{sender.domain}>"
    # This header keeps programs that answer automatically, such as absence notices, from replying.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_clean_body(mail.text), cte="quoted-printable")
    if mail.html:
        message.add_alternative(_clean_body(mail.html), subtype="html", cte="quoted-printable")
    return message


def clean_header(text: str) -> str:
    """Return a text that fits into one header: no line breaks, no characters that reverse text.

    Titles of issues come from apps, and so from whoever has the key of a project.
    """
    words = "".join(char if char.isprintable() else " " for char in text).split()
    # An encoded word (RFC 2047) would be decoded by the reader's program, line breaks included.
    line = " ".join(words).replace("=?", "= ?").encode("utf-8", "replace").decode()
    return line if len(line) <= _SUBJECT_CHARS else line[: _SUBJECT_CHARS - 1] + "…"


def _clean_body(text: str) -> str:
    """Remove lone surrogates, and control characters other than line breaks and tabs."""
    kept = "".join(char for char in text if char in "\n\t" or char.isprintable())
    return kept.encode("utf-8", "replace").decode()


def _make_failure(code: int) -> DeliveryFailed:
    return DeliveryFailed(f"the mail server answered {code}", is_final=code in _FINAL)
