"""Tells who sends an envelope: by the head of its request, or by its own header.

recognise   from what is known (memory)
ask         Postgres, once, for a key that nobody asked for yet
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
from app.projects.keys import UNKNOWN_YET, Unsettled
from app.projects.model import KeyRecord

_UNNAMED_BYTES: Final = 20 * 1024 * 1024
"""Bodies whose sender names itself only inside: read before anything is known of them."""
_PROJECT_DIGITS: Final = 18
_NO_SUCH_KEY: Final = "no project has this key: compare the DSN with the project's page"


class Sender(msgspec.Struct, gc=False):
    """Who sends, as far as that is known before the body is."""

    project_id: ProjectId | None
    """None: neither the path nor a key in the head names it, the envelope's DSN may."""
    key: PublicKey | None
    """None: only the header of the envelope names it."""
    is_key_known: bool
    """False: nobody can look it up now; digest does so later."""

    @property
    def known_key(self) -> PublicKey:
        """The key, once it has been looked for in the envelope too."""
        assert self.key is not None  # noqa: S101 - `recognise_inside` before
        return self.key

    @property
    def known_project_id(self) -> ProjectId:
        """The project, once the key has been looked for in the envelope too."""
        assert self.project_id is not None  # noqa: S101 - `recognise_inside` before
        return self.project_id


def find_sender(admission: IngestAdmission, request: IngestRequest) -> Sender | None:
    """Tell who sends.

    Returns:
        None if somebody has to be asked for the key: then `ask`.

    Raises:
        RequestRefused: Nobody who may; the outcome is counted where the project is known.
        ServiceUnavailable: It cannot be told now.
    """
    named = credentials.read_credentials(auth_headers=request.auth_headers, query=request.query)
    project_id = _read_project(request.project) if request.project else None
    if named is None:
        return Sender(project_id, None, is_key_known=False)
    record = admission.keys.lookup(named.public_key)
    if record is UNKNOWN_YET:
        return None
    return _sender(admission, request, named.public_key, project_id, record)


async def look_up_sender(admission: IngestAdmission, request: IngestRequest) -> Sender:
    """Tell who sends after asking Postgres once for the key; takes a second at most.

    Raises:
        RequestRefused: Nobody who may.
        ServiceUnavailable: It cannot be told now.
    """
    named = credentials.read_credentials(auth_headers=request.auth_headers, query=request.query)
    assert named is not None  # noqa: S101 - `recognise` asked for this
    project_id = _read_project(request.project) if request.project else None
    await admission.keys.settle(named.public_key)
    record = admission.keys.lookup(named.public_key)
    return _sender(admission, request, named.public_key, project_id, record)


def check_body_size(
    admission: IngestAdmission, request: IngestRequest, sender: Sender, size_bytes: int
) -> None:
    """Look whether a body may be that large, as it comes over the wire.

    Raises:
        OversizedInput: It may not; that is counted.
    """
    limit_bytes = _UNNAMED_BYTES if sender.key is None else LIMITS.body_bytes
    if size_bytes > limit_bytes:
        count_refusal(admission, request, sender, OversizedInput.reason)
        raise OversizedInput(f"the body has more than {format_bytes(limit_bytes)}")


def count_refusal(
    admission: IngestAdmission, request: IngestRequest, sender: Sender, reason: str
) -> None:
    """Count a refusal, if the request itself says whose it is."""
    if sender.key is not None:
        admission.refusals.refuse(sender.known_project_id, request.kind, reason)


def find_sender_in_envelope(
    admission: IngestAdmission, request: IngestRequest, sender: Sender, opened: Envelope
) -> Sender | None:
    """Tell who sends an envelope that names its key only in its own header.

    Returns:
        None if somebody has to be asked for the key: then `ask_inside`.

    Raises:
        RequestRefused: Nobody who may.
        ServiceUnavailable: It cannot be told now.
    """
    key, project_id = _read_dsn(sender, opened)
    record = admission.keys.lookup(key)
    if record is UNKNOWN_YET:
        return None
    return _sender(admission, request, key, project_id, record)


async def look_up_sender_in_envelope(
    admission: IngestAdmission, request: IngestRequest, sender: Sender, opened: Envelope
) -> Sender:
    """Tell the same after asking Postgres once for the key.

    Raises:
        RequestRefused: Nobody who may.
        ServiceUnavailable: It cannot be told now.
    """
    key, project_id = _read_dsn(sender, opened)
    await admission.keys.settle(key)
    return _sender(admission, request, key, project_id, admission.keys.lookup(key))


def check_dsn_matches(dsn: str, key: PublicKey, project_id: ProjectId) -> None:
    """Look whether the DSN in an envelope agrees with the request that carries it.

    Raises:
        KeyRejected: It names another project or key.
    """
    found = credentials.parse_dsn(dsn)
    if found is not None and found != (key, str(project_id)):
        raise KeyRejected("the DSN in the envelope's header names another project or key")


def _sender(
    admission: IngestAdmission,
    request: IngestRequest,
    key: PublicKey,
    project_id: ProjectId | None,
    record: KeyRecord | Literal[Unsettled.UNKNOWN_YET] | None,
) -> Sender:
    """Check a key against what is known, and against the project of the path if it names one."""
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
                "whose key this is cannot be read now, and the path does not tell"
            )
        case _:
            return Sender(project_id, key, is_key_known=False)


def _read_project(text: str) -> ProjectId:
    if not (text.isascii() and text.isdigit() and len(text) <= _PROJECT_DIGITS):
        raise MalformedInput(f"the project in the path or DSN is {shown(text)}, expected a number")
    return ProjectId(int(text))


def _read_dsn(sender: Sender, opened: Envelope) -> tuple[PublicKey, ProjectId]:
    """Return the key that an envelope names in its own header, and its project.

    The project of the path goes before that of the DSN; `check_dsn` compares them.
    """
    found = credentials.parse_dsn(opened.header.dsn or "")
    if found is None:
        raise AuthenticationFailed(
            "no key: send X-Sentry-Auth with sentry_key, or sentry_key in the query string"
        )
    key, project = found
    return key, _read_project(project) if sender.project_id is None else sender.project_id
