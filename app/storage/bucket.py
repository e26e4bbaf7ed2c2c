"""Where a bucket is, how to get in, and how long to wait for it."""

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
class Location:
    """A bucket and what the names of all our objects in it begin with."""

    bucket: str
    prefix: str
    """Without slashes at its ends; may be empty."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the service that has the bucket; None leaves the choice to boto3."""

    endpoint_url: str | None = None
    region: str | None = None
    key_id: str | None = None
    secret: SecretStr | None = None
    addressing: Addressing = "auto"
    """Whether the bucket stands in the path or in the host name of a request."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take."""

    connect_s: float
    read_s: float
    """Without a byte from the server."""
    attempts: int
    total_s: float | None = None
    """All attempts and the pauses between them: then the caller is told, whatever goes on."""


READING: Final = Patience(connect_s=2, read_s=2, attempts=2, total_s=4.5)
"""Somebody waits in front of a player: 5 s are enough to learn that storage does not answer."""
WRITING: Final = Patience(connect_s=3, read_s=10, attempts=3)
"""Nobody waits: what is to be written is in the journal. Without an end in all, so that what a
caller was told has failed is not still on its way."""


def read_location(url: str) -> Location:
    """Read `s3://bucket/prefix`; the prefix may be absent.

    Raises:
        ReplayError: It is written otherwise.
    """
    found = _URL.match(url)
    if found is None or len(found["prefix"] or "") > _PREFIX_CHARS:
        raise ReplayError(
            f"PLAYHEAD_STORAGE is {shown(url)}; it must be `local` or `s3://bucket/prefix`"
        )
    return Location(found["bucket"], found["prefix"] or "")
