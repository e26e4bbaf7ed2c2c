"""Checks a store: all operations at the start, later only whether it answers."""

import secrets
from contextlib import suppress
from typing import Final

from app.core.errors import NotFound, ServiceUnavailable
from app.storage.port import ObjectStore, StoredObject

PREFIX: Final = "probe/"
_ABSENT: Final = f"{PREFIX}{'0' * 32}"
_BODY: Final = b"playhead looks whether this store keeps what it is given"


async def probe_store(store: ObjectStore) -> None:
    """Put a small object, read a part of it, find it in a list and delete it.

    Raises:
        ServiceUnavailable: A step failed; the message says which.
    """
    key = f"{PREFIX}{secrets.token_hex(16)}"
    await store.put(key, _BODY)
    try:
        await _check_stored(store, key)
    finally:
        await store.delete(key)
    try:
        await store.read(key)
    except NotFound:
        return
    raise ServiceUnavailable(f"object storage still has {key} after deleting it")


async def check_answers(store: ObjectStore) -> None:
    """Check that a store answers, without changing it: read an object that does not exist.

    Raises:
        ServiceUnavailable: The store does not answer.
    """
    with suppress(NotFound):
        await store.read(_ABSENT, 0, 1)


async def _check_stored(store: ObjectStore, key: str) -> None:
    part = await store.read(key, 9, 5)
    if part != _BODY[9:14]:
        raise ServiceUnavailable(f"object storage answered bytes 9 to 14 of {key} with {part!r}")
    if StoredObject(key, len(_BODY)) not in await store.list(PREFIX):
        raise ServiceUnavailable(f"object storage does not list {key}, which it has just stored")
