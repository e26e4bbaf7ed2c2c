"""Object keys: the only place that makes the names under which bytes are stored.

    v/{journal_id}/{block}/{seq}-{random}              a pack: the videos of one digested batch
    p/{project_id}/r/{replay_id}/pictures-{random}     small pictures made of a replay
    p/{project_id}/e/{event_id}/{sha}                  a file attached to an event

A key is made of integers, hex digits and fixed words, so nothing a sender wrote can name a file.
A pack's key is never made twice, so a video can never take the place of a stored one. It tells the
journal entry its batch began with: what a dying process stored and never committed is found by it.
"""

import re
import secrets
from typing import Final

from app.core import ids
from app.core.errors import MalformedInput
from app.core.log import shown

KEY_CHARS: Final = 512
"""Longest key; S3 allows 1,024 bytes, and a bucket prefix wants room."""
_PART_CHARS: Final = 128
_SHA_CHARS: Final = 16
_RANDOM_BYTES: Final = 8
_BLOCK_SEQS: Final = 65_536
"""Packs that begin within so many journal entries share a folder."""
_BIGGEST_PROJECT_ID: Final = 2**63 - 1
_PART: Final = rf"[a-z0-9][a-z0-9._-]{{0,{_PART_CHARS - 1}}}"
_KEY: Final = re.compile(rf"{_PART}(?:/{_PART})*\Z")
_PREFIX: Final = re.compile(rf"(?:{_PART}/)*(?:{_PART})?\Z")
_PACK: Final = re.compile(r"v/[0-9a-f]{32}/[0-9a-f]{8,}/([0-9a-f]{16})-[0-9a-f]+\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


def pack(journal_id: str, first_seq: int) -> str:
    """Name the pack of a batch; a new name with every call.

    Args:
        journal_id: The journal the batch came from, 32 lower-case hex digits.
        first_seq: The entry its batch begins with, from 0.

    Raises:
        MalformedInput: When an argument is none of that.
    """
    return f"{pack_prefix(journal_id, first_seq)}{secrets.token_hex(_RANDOM_BYTES)}"


def pack_prefix(journal_id: str, first_seq: int) -> str:
    """Name what the packs of all tries at one batch, and no others, begin with.

    Raises:
        MalformedInput: The journal id is not 32 lower-case hex digits, or the seq is negative.
    """
    if ids.read_hex32(journal_id) != journal_id:
        raise MalformedInput(f"{shown(journal_id)} is no journal id of 32 lower-case hex digits")
    if not _is_integer(first_seq) or first_seq < 0:
        raise MalformedInput(f"{shown(first_seq)} is no seq of a journal entry")
    return f"v/{journal_id}/{first_seq // _BLOCK_SEQS:08x}/{first_seq:016x}-"


def pack_blocks(journal_id: str, first_seq: int) -> tuple[str, str]:
    """Name what the packs of batches that begin at `first_seq` or soon after begin with.

    Raises:
        MalformedInput: As `pack_prefix`.
    """
    block = pack_prefix(journal_id, first_seq).rpartition("/")[0]
    following = pack_prefix(journal_id, first_seq + _BLOCK_SEQS).rpartition("/")[0]
    return f"{block}/", f"{following}/"


def pack_seq(key: str) -> int:
    """Return the entry that the batch of a pack begins with; -1 if it is no pack's key."""
    found = _PACK.match(key)
    return int(found[1], 16) if found else -1


def replay_prefix(project_id: int, replay_id: str) -> str:
    """Name what all objects of a replay, and no others, begin with; ends with a slash.

    Raises:
        MalformedInput: The project id is not positive, or the replay id not 32 lower-case hex
            digits.
    """
    _check_project(project_id)
    if ids.read_hex32(replay_id) != replay_id:
        raise MalformedInput(f"{shown(replay_id)} is no replay id of 32 lower-case hex digits")
    return f"p/{project_id}/r/{replay_id}/"


def pictures(project_id: int, replay_id: str) -> str:
    """Name the small pictures of a replay; a new name with every call.

    Raises:
        MalformedInput: The project id is not positive, or the replay id not 32 lower-case hex
            digits.
    """
    return f"{replay_prefix(project_id, replay_id)}pictures-{secrets.token_hex(_RANDOM_BYTES)}"


def attachment(project_id: int, event_id: str, sha256_hex: str) -> str:
    """Name a file attached to an event.

    Args:
        project_id: From 1.
        event_id: 32 lower-case hex digits, as `core.ids` reads them.
        sha256_hex: SHA-256 of the file, 64 lower-case hex digits.

    Raises:
        MalformedInput: When an argument is none of that.
    """
    _check_project(project_id)
    _check_sha256(sha256_hex)
    if ids.read_hex32(event_id) != event_id:
        raise MalformedInput(f"{shown(event_id)} is no event id of 32 lower-case hex digits")
    return f"p/{project_id}/e/{event_id}/{sha256_hex[:_SHA_CHARS]}"


def check_key(key: str) -> str:
    """Return the key when every driver can store it: lower-case parts that begin with no dot.

    Raises:
        MalformedInput: For anything else, such as `../x`, `a//b`, `/a`, an upper-case letter or
            NUL.
    """
    if len(key) > KEY_CHARS or not _KEY.match(key):
        raise MalformedInput(f"{shown(key)} is no object key")
    return key


def check_prefix(prefix: str) -> str:
    """Return what a list may ask for: the beginning of a key; empty means everything.

    Raises:
        MalformedInput: When no key can begin so.
    """
    if len(prefix) > KEY_CHARS or not _PREFIX.match(prefix):
        raise MalformedInput(f"{shown(prefix)} begins no object key")
    return prefix


def _check_project(project_id: int) -> None:
    if not _is_integer(project_id) or not 1 <= project_id <= _BIGGEST_PROJECT_ID:
        raise MalformedInput(f"project {shown(project_id)} is not within 1..{_BIGGEST_PROJECT_ID}")


def _check_sha256(sha256_hex: str) -> None:
    if not _SHA256.match(sha256_hex):
        raise MalformedInput(f"{shown(sha256_hex)} is no SHA-256 in lower-case hex")


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
