"""Object keys: the only place that makes the names under which bytes are stored.

    p/{project_id}/r/{replay_id}/                          everything of one replay
    p/{project_id}/r/{replay_id}/{segment}-{sha}.mp4       the video of one segment
    p/{project_id}/r/{replay_id}/pictures-{random}         small pictures made of the replay
    p/{project_id}/e/{event_id}/{sha}                      a file attached to an event

A key is made of integers, hex digits and fixed words, so nothing a sender wrote can name a file.
It carries a prefix of the content's hash: a second delivery writes the same bytes under the same
key, and another video can never take the place of a stored one.
"""

import re
import secrets
from typing import Final

from app.core import ids
from app.core.errors import Malformed
from app.core.limits import LIMITS
from app.core.log import shown

KEY_CHARS: Final = 512
"""Longest key; S3 allows 1,024 bytes, and a bucket prefix wants room."""
_PART_CHARS: Final = 128
_SHA_CHARS: Final = 16
_RANDOM_BYTES: Final = 8
_BIGGEST_PROJECT_ID: Final = 2**63 - 1
_PART: Final = rf"[a-z0-9][a-z0-9._-]{{0,{_PART_CHARS - 1}}}"
_KEY: Final = re.compile(rf"{_PART}(?:/{_PART})*\Z")
_PREFIX: Final = re.compile(rf"(?:{_PART}/)*(?:{_PART})?\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


def segment_video(project_id: int, replay_id: str, segment_id: int, sha256_hex: str) -> str:
    """Name the video of one segment.

    Args:
        project_id: The project the *key* belongs to, from 1.
        replay_id: 32 lower-case hex digits, as `core.ids` reads them.
        segment_id: From 0 to `LIMITS.segment_id`.
        sha256_hex: SHA-256 of the video, 64 lower-case hex digits.

    Raises:
        Malformed: When an argument is none of that.
    """
    if not _is_integer(segment_id) or not 0 <= segment_id <= LIMITS.segment_id:
        raise Malformed(f"segment {shown(segment_id)} is not within 0..{LIMITS.segment_id}")
    _check_sha256(sha256_hex)
    folder = replay_prefix(project_id, replay_id)
    return f"{folder}{segment_id:06}-{sha256_hex[:_SHA_CHARS]}.mp4"


def replay_prefix(project_id: int, replay_id: str) -> str:
    """Name what all objects of a replay, and no others, begin with; ends with a slash.

    Raises:
        Malformed: The project id is not positive, or the replay id not 32 lower-case hex digits.
    """
    _check_project(project_id)
    if ids.read_hex32(replay_id) != replay_id:
        raise Malformed(f"{shown(replay_id)} is no replay id of 32 lower-case hex digits")
    return f"p/{project_id}/r/{replay_id}/"


def pictures(project_id: int, replay_id: str) -> str:
    """Name the small pictures of a replay; a new name with every call.

    Raises:
        Malformed: The project id is not positive, or the replay id not 32 lower-case hex digits.
    """
    return f"{replay_prefix(project_id, replay_id)}pictures-{secrets.token_hex(_RANDOM_BYTES)}"


def attachment(project_id: int, event_id: str, sha256_hex: str) -> str:
    """Name a file attached to an event.

    Args:
        project_id: From 1.
        event_id: 32 lower-case hex digits, as `core.ids` reads them.
        sha256_hex: SHA-256 of the file, 64 lower-case hex digits.

    Raises:
        Malformed: When an argument is none of that.
    """
    _check_project(project_id)
    _check_sha256(sha256_hex)
    if ids.read_hex32(event_id) != event_id:
        raise Malformed(f"{shown(event_id)} is no event id of 32 lower-case hex digits")
    return f"p/{project_id}/e/{event_id}/{sha256_hex[:_SHA_CHARS]}"


def check_key(key: str) -> str:
    """Return the key when every driver can store it: lower-case parts that begin with no dot.

    Raises:
        Malformed: For anything else, such as `../x`, `a//b`, `/a`, an upper-case letter or NUL.
    """
    if len(key) > KEY_CHARS or not _KEY.match(key):
        raise Malformed(f"{shown(key)} is no object key")
    return key


def check_prefix(prefix: str) -> str:
    """Return what a list may ask for: the beginning of a key; empty means everything.

    Raises:
        Malformed: When no key can begin so.
    """
    if len(prefix) > KEY_CHARS or not _PREFIX.match(prefix):
        raise Malformed(f"{shown(prefix)} begins no object key")
    return prefix


def _check_project(project_id: int) -> None:
    if not _is_integer(project_id) or not 1 <= project_id <= _BIGGEST_PROJECT_ID:
        raise Malformed(f"project {shown(project_id)} is not within 1..{_BIGGEST_PROJECT_ID}")


def _check_sha256(sha256_hex: str) -> None:
    if not _SHA256.match(sha256_hex):
        raise Malformed(f"{shown(sha256_hex)} is no SHA-256 in lower-case hex")


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
