r"""Spilled files: journal entries as they stand in the journal, encrypted as a whole.

    file     "PHSP1\n" | nonce (12 bytes) | AES-256-GCM of the entries, with the object key of the
             file as associated data: one that was renamed, cut or changed cannot be read

The entries hold raw envelopes, before anything is scrubbed, so the bucket must not hold them in the
clear. The key lies in Postgres.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.errors import MalformedInput
from app.journal import entry
from app.journal.entry import JournalEntry

SECRET_BYTES: Final = 32
_MAGIC: Final = b"PHSP1\n"
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class SpillKey:
    """A key for spilled files; every process on one database uses the same ones."""

    id: int
    secret: bytes = field(repr=False)


def encrypt_entries(key: SpillKey, object_key: str, entries: list[JournalEntry]) -> list[bytes]:
    """Return the content of a spilled file, in parts.

    The list of entries is emptied on the way, since each of them may be as large as a request: at
    no time are all of them in memory twice.

    Args:
        key: The key.
        object_key: The name under which the file will be put.
        entries: Entries of one journal, in order.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    encryptor = Cipher(algorithms.AES256(key.secret), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(object_key.encode())
    parts = [_MAGIC, nonce]
    entries.reverse()
    while entries:
        each = entries.pop()
        parts.append(encryptor.update(entry.encode_entry(each)))
        parts.append(encryptor.update(each.body))
    return [*parts, encryptor.finalize(), encryptor.tag]


def decrypt_entries(key: SpillKey, object_key: str, content: bytes) -> list[JournalEntry]:
    """Return the entries of a spilled file, in order.

    Raises:
        MalformedInput: The file is not one, was changed, or was encrypted with another key.
    """
    if not content.startswith(_MAGIC):
        raise MalformedInput(f"{object_key} is not a spilled file")
    nonce_end = len(_MAGIC) + _NONCE_BYTES
    try:
        plain = AESGCM(key.secret).decrypt(
            content[len(_MAGIC) : nonce_end], content[nonce_end:], object_key.encode()
        )
    except (InvalidTag, ValueError) as error:
        raise MalformedInput(f"{object_key} cannot be decrypted") from error
    return list(_decode_entries(plain))


def _decode_entries(plain: bytes) -> Iterator[JournalEntry]:
    offset = 0
    while offset < len(plain):
        head = entry.decode_entry_head(plain[offset : offset + entry.HEAD_BYTES])
        meta_at = offset + entry.HEAD_BYTES
        body_at = meta_at + head.meta_bytes
        offset = body_at + head.body_bytes
        yield entry.decode_entry(head, plain[meta_at:body_at], plain[body_at:offset])
