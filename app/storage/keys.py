"""Object keys: the only place that makes the names under which bytes are stored.

    {day}/v/{journal_id}/{block}/{seq}-{random}       a pack: the videos of one digested batch
    {day}/f/{journal_id}/{block}/{seq}-{random}-{project_id}-{event_id}-{sha}
                                                      a file attached to an event
    {day}/{project_id}/{replay_id}/sealed-{random}    all segments of a closed replay
    {day}/{project_id}/{replay_id}/pictures-{random}  small pictures made of a replay
    {day}/{project_id}/{replay_id}/clip-{random}      a clip rendered of a replay
    p/{project_id}/d/{file_id}/{name}                 an object of a debug file
    c/{day}/{token_id}/{sha1}-{random}                a chunk of a debug file that is uploaded
    j/{journal_id}/{first}-{last}-{key}               journal entries that wait, encrypted

    store/{store_id}                                  the mark by which a database knows its store

The day of a pack is that on which its batch was stored, that of the others is the day of the rows
that point at them. Earlier releases made these keys, which stay valid; the last three are older
than days:

    {day}/{project_id}/e/{event_id}/{sha}
    v/{journal_id}/{block}/{seq}-{random}
    p/{project_id}/r/{replay_id}/pictures-{random}
    p/{project_id}/e/{event_id}/{sha}

A key is made of integers, hex digits and fixed words, so that nothing a sender wrote can name a
file. The keys of a pack and of the files of a batch are never made twice, so that nothing replaces
what is stored, and a late deletion meets nothing new. They contain the journal and the number of
the entry with which their batch began; by these, objects are found that a dying process put and
never committed.
"""

import re
import secrets
from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from app.core import ids
from app.core.days import OLD_DAY
from app.core.errors import MalformedInput
from app.core.ids import EventId, ProjectId
from app.core.log import shown

STORE_MARK_PREFIX: Final = "store/"
"""The beginning of the key of the mark of a store, of which there is one in each store."""
KEY_CHARS: Final = 512
"""The longest key; S3 allows 1,024 bytes, and the prefix of the bucket needs room."""
_PART_CHARS: Final = 128
_SHA_CHARS: Final = 16
_RANDOM_BYTES: Final = 8
_BLOCK_SEQS: Final = 65_536
"""The number of journal entries whose packs, or whose files, share a folder."""
_PACKS: Final = "v"
_FILES: Final = "f"
_BIGGEST_PROJECT_ID: Final = 2**63 - 1
_PART: Final = rf"[a-z0-9][a-z0-9._-]{{0,{_PART_CHARS - 1}}}"
_KEY: Final = re.compile(rf"{_PART}(?:/{_PART})*\Z")
_PREFIX: Final = re.compile(rf"(?:{_PART}/)*(?:{_PART})?\Z")
_DAY: Final = r"\d{4}-\d{2}-\d{2}"
_PACK: Final = re.compile(
    rf"(?:{_DAY}/)?v/[0-9a-f]{{32}}/[0-9a-f]{{8,}}/([0-9a-f]{{16}})-[0-9a-f]+\Z"
)
_BATCH_FILE: Final = re.compile(
    rf"({_DAY})/f/[0-9a-f]{{32}}/[0-9a-f]{{8,}}/([0-9a-f]{{16}})"
    r"-[0-9a-f]{16}-([1-9][0-9]{0,18})-([0-9a-f]{32})-[0-9a-f]{16}\Z"
)
SPILL_PREFIX: Final = "j/"
"""The beginning of all keys of spilled journal files."""
_SPILLED: Final = re.compile(r"j/([0-9a-f]{32})/([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{8})\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_SHA1: Final = re.compile(r"[0-9a-f]{40}\Z")
_DEBUG_OBJECT: Final = re.compile(r"[a-z][a-z0-9-]{0,63}\Z")
CHUNK_PREFIX: Final = "c/"
"""The beginning of the keys of all chunks of uploads."""
_CHUNK: Final = re.compile(rf"c/({_DAY})/[0-9]+/[0-9a-f]{{40}}-[0-9a-f]+\Z")


def make_pack_key(day: date, journal_id: str, first_seq: int) -> str:
    """Make a key for the pack of a batch; every call makes another one.

    Args:
        day: The day on which the batch is stored.
        journal_id: The journal that the batch came from, 32 lower-case hex digits.
        first_seq: The number of the entry with which the batch begins, from 0.

    Raises:
        MalformedInput: An argument has another form.
    """
    return f"{make_pack_prefix(day, journal_id, first_seq)}{secrets.token_hex(_RANDOM_BYTES)}"


def make_pack_prefix(day: date, journal_id: str, first_seq: int) -> str:
    """Make the prefix that the packs of all attempts of a day at one batch share, and no others.

    Raises:
        MalformedInput: The journal id is not 32 lower-case hex digits, or the seq is negative.
    """
    return _make_batch_prefix(day, _PACKS, journal_id, first_seq)


def make_batch_files_prefix(day: date, journal_id: str, first_seq: int) -> str:
    """Make a prefix for the files of a batch; every call makes another one.

    Args:
        day: The day on which the batch is stored.
        journal_id: The journal that the batch came from, 32 lower-case hex digits.
        first_seq: The number of the entry with which the batch begins, from 0.

    Raises:
        MalformedInput: An argument has another form.
    """
    beginning = _make_batch_prefix(day, _FILES, journal_id, first_seq)
    return f"{beginning}{secrets.token_hex(_RANDOM_BYTES)}-"


def make_block_prefixes(days: Iterable[date], journal_id: str, first_seq: int) -> list[str]:
    """Make the prefixes of the packs and files whose batches begin at `first_seq` or soon after.

    Args:
        days: The days on which they may have been stored; `OLD_DAY` stands for packs of a release
            before days.
        journal_id: The journal that the batches came from.
        first_seq: The first entry.

    Raises:
        MalformedInput: The journal id is not 32 lower-case hex digits, or the number is negative.
    """
    beginnings = [
        _make_batch_prefix(day, folder, journal_id, seq)
        for day in sorted(set(days))
        for folder in (_PACKS, _FILES)
        if (day, folder) != (OLD_DAY, _FILES)
        for seq in (first_seq, first_seq + _BLOCK_SEQS)
    ]
    return [f"{beginning.rpartition('/')[0]}/" for beginning in beginnings]


def read_batch_seq(key: str) -> int:
    """Return the entry with which the batch of a pack or of a file begins.

    Returns:
        The number of the entry; -1 if the key is of another object, or older than such keys.
    """
    if match := _PACK.match(key):
        return int(match[1], 16)
    return int(match[2], 16) if (match := _BATCH_FILE.match(key)) else -1


def read_file_event(key: str) -> tuple[date, tuple[ProjectId, EventId]] | None:
    """Return the day and the event of a file of a batch; None if the key is another object's."""
    if (match := _BATCH_FILE.match(key)) is None:
        return None
    return date.fromisoformat(match[1]), (ProjectId(int(match[3])), EventId(match[4]))


class SpilledName(NamedTuple):
    """The facts in the key of a spilled journal file."""

    journal_id: str
    first_seq: int
    """The entry after the one up to which everything was digested or spilled before."""
    last_seq: int
    cipher_key_id: int
    object_key: str


def make_spill_prefix(journal_id: str) -> str:
    """Make the prefix of the spilled files of a journal.

    Raises:
        MalformedInput: The journal id is not 32 lower-case hex digits.
    """
    if ids.read_hex32(journal_id) != journal_id:
        raise MalformedInput(f"{shown(journal_id)} is not a journal id of 32 lower-case hex digits")
    return f"{SPILL_PREFIX}{journal_id}/"


def make_spill_key(journal_id: str, first_seq: int, last_seq: int, cipher_key_id: int) -> str:
    """Make the key of a spilled file; keys of one journal sort by their first entries.

    Raises:
        MalformedInput: An argument has another form.
    """
    prefix = make_spill_prefix(journal_id)
    for number in (first_seq, last_seq, cipher_key_id):
        if not _is_integer(number) or number < 0:
            raise MalformedInput(f"{shown(number)} is not a number from 0")
    return f"{prefix}{first_seq:016x}-{last_seq:016x}-{cipher_key_id:08x}"


def read_spill_key(key: str) -> SpilledName | None:
    """Read the key of a spilled file; returns None if it is another object's."""
    match = _SPILLED.match(key)
    if match is None:
        return None
    return SpilledName(match[1], int(match[2], 16), int(match[3], 16), int(match[4], 16), key)


def make_replay_prefix(day: date, project_id: int, replay_id: str) -> str:
    """Make the prefix of the objects of a replay, which no others share; it ends with a slash.

    Packs do not lie there, but for those of a sealed replay. `list_replay_prefixes` tells where
    else objects of the replay may be.

    Args:
        day: The day of the replay; `OLD_DAY` for a replay that is not moved to its own day yet.
        project_id: The project, from 1.
        replay_id: The replay, 32 lower-case hex digits.

    Raises:
        MalformedInput: The project id is not positive, or the replay id not 32 lower-case hex
            digits.
    """
    _check_project(project_id)
    if ids.read_hex32(replay_id) != replay_id:
        raise MalformedInput(f"{shown(replay_id)} is not a replay id of 32 lower-case hex digits")
    if day == OLD_DAY:
        return f"p/{project_id}/r/{replay_id}/"
    return f"{day:%Y-%m-%d}/{project_id}/{replay_id}/"


def list_replay_prefixes(days: Iterable[date], project_id: int, replay_id: str) -> list[str]:
    """List all prefixes of the objects of a replay.

    Args:
        days: The day of the replay, or all days that it may have had.
        project_id: The project, from 1.
        replay_id: The replay, 32 lower-case hex digits.

    Raises:
        MalformedInput: As `make_replay_prefix` does.
    """
    # A replay that was moved to its own day has left its pictures where they were.
    return [make_replay_prefix(day, project_id, replay_id) for day in sorted({OLD_DAY, *days})]


def make_sealed_key(day: date, project_id: int, replay_id: str) -> str:
    """Make a key for an object with all segments of a replay; every call makes another one.

    Raises:
        MalformedInput: As `make_replay_prefix` does.
    """
    prefix = make_replay_prefix(day, project_id, replay_id)
    return f"{prefix}sealed-{secrets.token_hex(_RANDOM_BYTES)}"


def make_pictures_key(day: date, project_id: int, replay_id: str) -> str:
    """Make a key for the small pictures of a replay; every call makes another one.

    Raises:
        MalformedInput: As `make_replay_prefix` does.
    """
    prefix = make_replay_prefix(day, project_id, replay_id)
    return f"{prefix}pictures-{secrets.token_hex(_RANDOM_BYTES)}"


def make_clip_key(day: date, project_id: int, replay_id: str) -> str:
    """Make a key for a clip of a replay; every call makes another one.

    Raises:
        MalformedInput: As `make_replay_prefix` does.
    """
    prefix = make_replay_prefix(day, project_id, replay_id)
    return f"{prefix}clip-{secrets.token_hex(_RANDOM_BYTES)}"


def make_attachment_key(batch_prefix: str, project_id: int, event_id: str, sha256_hex: str) -> str:
    """Make the key of a file that is attached to an event.

    Args:
        batch_prefix: The prefix of the files of its batch (`make_batch_files_prefix`).
        project_id: The project, from 1.
        event_id: The event, 32 lower-case hex digits as `core.ids` reads them.
        sha256_hex: The SHA-256 of the file, 64 lower-case hex digits.

    Raises:
        MalformedInput: An argument has another form.
    """
    _check_project(project_id)
    _check_sha256(sha256_hex)
    if ids.read_hex32(event_id) != event_id:
        raise MalformedInput(f"{shown(event_id)} is not an event id of 32 lower-case hex digits")
    return f"{batch_prefix}{project_id}-{event_id}-{sha256_hex[:_SHA_CHARS]}"


def make_debug_file_prefix(project_id: int, file_id: str) -> str:
    """Make the prefix of the objects of a debug file, which no others share.

    Args:
        project_id: The project, from 1.
        file_id: Our id of the file, 32 lower-case hex digits.

    Raises:
        MalformedInput: An argument has another form.
    """
    _check_project(project_id)
    if ids.read_hex32(file_id) != file_id:
        raise MalformedInput(f"{shown(file_id)} is not the id of a debug file")
    return f"p/{project_id}/d/{file_id}/"


def make_debug_file_key(project_id: int, file_id: str, name: str) -> str:
    """Make the key of an object of a debug file.

    Args:
        project_id: The project, from 1.
        file_id: Our id of the file.
        name: Our name of the object, such as `symcache-0`: lower-case letters, digits and dashes.

    Raises:
        MalformedInput: An argument has another form.
    """
    if not _DEBUG_OBJECT.match(name):
        raise MalformedInput(f"{shown(name)} does not name an object of a debug file")
    return f"{make_debug_file_prefix(project_id, file_id)}{name}"


def make_chunk_key(day: date, token_id: int, sha1_hex: str) -> str:
    """Make a key for a chunk of an upload; every call makes another one.

    Args:
        day: The day on which the chunk came.
        token_id: The token that uploads it, from 1.
        sha1_hex: The SHA-1 of the chunk, 40 lower-case hex digits.

    Raises:
        MalformedInput: An argument has another form.
    """
    if not _is_integer(token_id) or token_id < 1 or not _SHA1.match(sha1_hex):
        raise MalformedInput(f"{shown(token_id)} and {shown(sha1_hex)} do not name a chunk")
    random = secrets.token_hex(_RANDOM_BYTES)
    return f"{CHUNK_PREFIX}{day:%Y-%m-%d}/{token_id}/{sha1_hex}-{random}"


def read_chunk_day(key: str) -> date | None:
    """Return the day on which the chunk of a key came; None if it is another object's."""
    match = _CHUNK.match(key)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def make_store_mark_key(store_id: str) -> str:
    """Make the key of the mark of a store.

    Raises:
        MalformedInput: The id is not 32 lower-case hex digits.
    """
    if ids.read_hex32(store_id) != store_id:
        raise MalformedInput(f"{shown(store_id)} is not the id of a store")
    return f"{STORE_MARK_PREFIX}{store_id}"


def check_key(key: str) -> str:
    """Return the key if every driver can store it: lower-case parts that do not begin with a dot.

    Raises:
        MalformedInput: The key has another form, such as `../x`, `a//b`, `/a`, an upper-case
            letter or NUL.
    """
    if len(key) > KEY_CHARS or not _KEY.match(key):
        raise MalformedInput(f"{shown(key)} is not an object key")
    return key


def check_prefix(prefix: str) -> str:
    """Return the prefix if a key can begin with it; an empty prefix stands for all keys.

    Raises:
        MalformedInput: No key can begin with it.
    """
    if len(prefix) > KEY_CHARS or not _PREFIX.match(prefix):
        raise MalformedInput(f"{shown(prefix)} is not the beginning of an object key")
    return prefix


def _make_batch_prefix(day: date, folder: str, journal_id: str, first_seq: int) -> str:
    if ids.read_hex32(journal_id) != journal_id:
        raise MalformedInput(f"{shown(journal_id)} is not a journal id of 32 lower-case hex digits")
    if not _is_integer(first_seq) or first_seq < 0:
        raise MalformedInput(f"{shown(first_seq)} is not the number of a journal entry")
    of_day = "" if day == OLD_DAY else f"{day:%Y-%m-%d}/"
    block = first_seq // _BLOCK_SEQS
    return f"{of_day}{folder}/{journal_id}/{block:08x}/{first_seq:016x}-"


def _check_project(project_id: int) -> None:
    if not _is_integer(project_id) or not 1 <= project_id <= _BIGGEST_PROJECT_ID:
        raise MalformedInput(f"project {shown(project_id)} is not within 1..{_BIGGEST_PROJECT_ID}")


def _check_sha256(sha256_hex: str) -> None:
    if not _SHA256.match(sha256_hex):
        raise MalformedInput(f"{shown(sha256_hex)} is not a SHA-256 in lower-case hex")


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
