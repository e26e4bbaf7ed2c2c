"""The location of a bucket, the access to it, and the time that a call to it may take."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import SecretStr

from app.core.errors import ReplayError
from app.core.log import shown

Addressing = Literal["auto", "path", "virtual"]

_PREFIX_CHARS: Final = 256
"""Leaves room for the longest key within the 1,024 bytes of S3."""
_PART: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_URL: Final = re.compile(
    rf"s3://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]{{1,253}}[A-Za-z0-9])"
    rf"(?:/(?P<prefix>{_PART}(?:/{_PART})*)?/?)?\Z"
)


@dataclass(frozen=True, slots=True)
class BucketLocation:
    """A bucket, and the prefix of all our objects in it."""

    bucket: str
    prefix: str
    """The prefix without slashes at its ends; it may be empty."""


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """Endpoint and credentials of the service that has the bucket; None leaves it to boto3."""

    endpoint_url: str | None = None
    region: str | None = None
    key_id: str | None = None
    secret: SecretStr | None = None
    addressing: Addressing = "auto"
    """The part of a request that names the bucket: its path or its host name."""


@dataclass(frozen=True, slots=True)
class CallTimeouts:
    """The time that a call may take."""

    connect_s: float
    read_s: float
    """The longest time without a byte from the server."""
    attempts: int
    total_s: float | None = None
    """The longest time for all attempts and the pauses between them, after which the call fails."""


READING: Final = CallTimeouts(connect_s=2, read_s=2, attempts=2, total_s=4.5)
"""A person is waiting at the player, so they learn within 5 s that storage does not answer."""
WRITING: Final = CallTimeouts(connect_s=3, read_s=10, attempts=3)
"""Nobody is waiting, since the journal has what is to be written. There is no total limit: a call
that was reported as failed must not arrive later."""


def read_location(
    url: str, *, setting: str = "PLAYHEAD_STORAGE", otherwise: str = "`local`"
) -> BucketLocation:
    """Read a URL of the form `s3://bucket/prefix`; the prefix may be absent.

    Args:
        url: The URL.
        setting: The setting that has it, for the message.
        otherwise: The other values that the setting may have, for the message.

    Raises:
        ReplayError: The URL has another form.
    """
    match = _URL.match(url)
    if match is None or len(match["prefix"] or "") > _PREFIX_CHARS:
        raise ReplayError(
            f"{setting} is {shown(url)}; it must be {otherwise} or `s3://bucket/prefix`"
        )
    return BucketLocation(match["bucket"], match["prefix"] or "")
