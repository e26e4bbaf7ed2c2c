"""Finds out who sends an envelope: from the head of its request, or from its own header.

find_sender, find_sender_in_envelope           by the keys in memory
look_up_sender, look_up_sender_in_envelope     after asking Postgres once for a key
"""

from typing import Final, Literal

import msgspec

from app.core.errors import (
    AuthenticationFailed,
    KeyRejected,
    MalformedInput,
    OversizedInput,
    ServiceUnavailable,
)
from app.core.ids import ProjectId, PublicKey
from app.core.limits import LIMITS
from app.core.log import shown
from app.core.units import format_bytes
from app.formats.wire import credentials
from app.formats.wire.envelope import Envelope
from app.ingest.admission.admission import IngestAdmission
from app.ingest.request import IngestRequest
from app.projects.keys import UNKNOWN_YET, UnknownYet
from app.projects.model import KeyRecord

_UNNAMED_BYTES: Final = 20 * 1024 * 1024
"""The largest body whose key is only inside it: it is read before its sender is known."""
_PROJECT_DIGITS: Final = 18
_NO_SUCH_KEY: Final = "no project has this key: compare the DSN with the project's page"


class Sender(msgspec.Struct, gc=False):
    """The sender of a request, as far as its head tells."""

    project_id: ProjectId | None
    """None if neither the path nor a key in the head names it; the envelope's DSN may."""
    key: PublicKey | None
    """None if only the header of the envelope may name it."""
    is_key_known: bool
    """False if nobody can look the key up now; digest does so later."""

    @property
    def known_key(self) -> PublicKey:
        """The key, once it has been looked for in the envelope too."""
        assert self.key is not None  # noqa: S101 - set by `find_sender_in_envelope`
        return self.key

    @property
    def known_project_id(self) -> ProjectId:
        """The project, once the key has been looked for in the envelope too."""
        assert self.project_id is not None  # noqa: S101 - set by `find_sender_in_envelope`
        return self.project_id


def find_sender(admission: IngestAdmission, request: IngestRequest) -> Sender | None:
    """Find the sender that the head of a request names.

    Returns:
        None if the key is not in memory: then await `look_up_sender`.

    Raises:
        RequestRefused: The key may not send. The outcome is counted if its project is known.
        ServiceUnavailable: The key cannot be looked up now, and nothing else names the project.
    """
    named = credentials.read_credentials(auth_headers=request.auth_headers, query=request.query)
    project_id = _read_project(request.project) if request.project else None
    if named is None:
        return Sender(project_id, None, is_key_known=False)
    record = admission.keys.lookup(named.public_key)
    if record is UNKNOWN_YET:
        return None
    return _verify_sender(admission, request, named.public_key, project_id, record)


async def look_up_sender(admission: IngestAdmission, request: IngestRequest) -> Sender:
    """Find the sender after asking Postgres once for the key, which takes a second at most.

    Raises:
        RequestRefused: The key may not send.
        ServiceUnavailable: The key cannot be looked up now, and nothing else names the project.
    """
    named = credentials.read_credentials(auth_headers=request.auth_headers, query=request.query)
    assert named is not None  # noqa: S101 - `find_sender` saw it
    project_id = _read_project(request.project) if request.project else None
    await admission.keys.settle(named.public_key)
    record = admission.keys.lookup(named.public_key)
    return _verify_sender(admission, request, named.public_key, project_id, record)


def check_body_size(
    admission: IngestAdmission, request: IngestRequest, sender: Sender, size_bytes: int
) -> None:
    """Check the size of a body as it comes over the wire, before Content-Encoding is taken off.

    Raises:
        OversizedInput: The body is too large. The outcome is counted.
    """
    limit_bytes = _UNNAMED_BYTES if sender.key is None else LIMITS.body_bytes
    if size_bytes > limit_bytes:
        count_refusal(admission, request, sender, OversizedInput.reason)
        raise OversizedInput(f"the body has more than {format_bytes(limit_bytes)}")


def count_refusal(
    admission: IngestAdmission, request: IngestRequest, sender: Sender, reason: str
) -> None:
    """Count a refusal if the head of the request names the project."""
    if sender.key is not None:
        admission.refusals.refuse(sender.known_project_id, request.kind, reason)


def find_sender_in_envelope(
    admission: IngestAdmission, request: IngestRequest, sender: Sender, envelope: Envelope
) -> Sender | None:
    """Find the sender of an envelope that names its key only in its own header.

    Returns:
        None if the key is not in memory: then await `look_up_sender_in_envelope`.

    Raises:
        RequestRefused: There is no key, or it may not send.
        ServiceUnavailable: The key cannot be looked up now, and the path names no project.
    """
    key, project_id = _read_dsn(sender, envelope)
    record = admission.keys.lookup(key)
    if record is UNKNOWN_YET:
        return None
    return _verify_sender(admission, request, key, project_id, record)


async def look_up_sender_in_envelope(
    admission: IngestAdmission, request: IngestRequest, sender: Sender, envelope: Envelope
) -> Sender:
    """Find the same sender after asking Postgres once for the key.

    Raises:
        RequestRefused: There is no key, or it may not send.
        ServiceUnavailable: The key cannot be looked up now, and the path names no project.
    """
    key, project_id = _read_dsn(sender, envelope)
    await admission.keys.settle(key)
    return _verify_sender(admission, request, key, project_id, admission.keys.lookup(key))


def check_dsn_matches(dsn: str, key: PublicKey, project_id: ProjectId) -> None:
    """Check that the DSN in an envelope agrees with the request that carries it.

    Raises:
        KeyRejected: The DSN names another project or key.
    """
    named = credentials.parse_dsn(dsn)
    if named is not None and named != (key, str(project_id)):
        raise KeyRejected("the DSN in the envelope's header names another project or key")


def _verify_sender(
    admission: IngestAdmission,
    request: IngestRequest,
    key: PublicKey,
    project_id: ProjectId | None,
    record: KeyRecord | Literal[UnknownYet.UNKNOWN_YET] | None,
) -> Sender:
    """Check a key against its record, and against the project of the path if it names one."""
    match record:
        case KeyRecord(project_id=owner, is_active=is_active):
            if project_id is not None and owner != project_id:
                raise admission.quotas.refuse_stranger(
                    request.client_ip, f"this key belongs to another project than {project_id}"
                )
            if not is_active:
                admission.refusals.refuse(owner, "envelope", "key_off")
                raise KeyRejected("this key is switched off")
            return Sender(owner, key, is_key_known=True)
        case None:
            raise admission.quotas.refuse_stranger(request.client_ip, _NO_SUCH_KEY)
        case _ if project_id is None:
            raise ServiceUnavailable(
                "this key cannot be looked up now, and the path names no project"
            )
        case _:
            return Sender(project_id, key, is_key_known=False)


def _read_project(text: str) -> ProjectId:
    if not (text.isascii() and text.isdigit() and len(text) <= _PROJECT_DIGITS):
        raise MalformedInput(f"the project in the path or DSN is {shown(text)}, expected a number")
    return ProjectId(int(text))


def _read_dsn(sender: Sender, envelope: Envelope) -> tuple[PublicKey, ProjectId]:
    """Return the key that an envelope names in its own header, and its project.

    The project of the path goes before that of the DSN; `check_dsn_matches` compares them.
    """
    named = credentials.parse_dsn(envelope.header.dsn or "")
    if named is None:
        raise AuthenticationFailed(
            "no key: send X-Sentry-Auth with sentry_key, or sentry_key in the query string"
        )
    key, project = named
    return key, _read_project(project) if sender.project_id is None else sender.project_id
