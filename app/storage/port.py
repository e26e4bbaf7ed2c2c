"""The interface of an object store, whichever driver implements it.

Objects are written once. Only a deletion changes an object, by wiping the parts that must go. The
tests in `tests/contract/storage` specify what a driver must do, and run against each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.core.errors import StorageUnavailable


class StorageRefused(StorageUnavailable):
    """The store answers and refuses, most likely because a setting is wrong."""


class StoreMismatch(StorageRefused):
    """The store is not the one in which the objects of this database lie."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object in a list."""

    key: str
    size_bytes: int
    version: str = field(default="", compare=False)
    """A text that changes whenever the bytes do. It means nothing to another store."""


ObjectContent = bytes | memoryview | Sequence[bytes | memoryview]
"""The content of an object: bytes, or parts that follow one another."""


class ObjectStore(Protocol):
    """Bytes under keys.

    Every method raises `MalformedInput` for a key that `storage.keys` cannot make, and
    `StorageUnavailable` when the store cannot answer now; the call may then be repeated later.
    """

    async def put(self, key: str, content: ObjectContent) -> None:
        """Store one object; when this returns, the bytes survive a power cut.

        Putting the same bytes under the same key again changes nothing. A reader sees the whole
        object or none.
        """

    async def put_many(self, objects: Sequence[tuple[str, ObjectContent]]) -> None:
        """Store several objects for little more than the cost of one.

        When it raises, some of them may have been stored; call it again with all of them.
        """

    async def put_file(self, key: str, descriptor: int) -> None:
        """Store an open file as one object, as `put` does, in pieces and whatever its size.

        Args:
            key: The object.
            descriptor: A regular file, which is read from its beginning; its position stays.
        """

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return the bytes from `offset` on, `length` of them or up to the end.

        Args:
            key: The object.
            offset: The first byte, from 0; at or past the end there are no bytes to return.
            length: The number of bytes, from 0; None, or more than there are, means up to the end.

        Raises:
            NotFound: There is no such object.
            ValueError: The offset or the length is negative.
        """

    async def delete(self, key: str) -> None:
        """Remove one object for good; does nothing if it does not exist."""

    async def wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        """Overwrite ranges of an object with zeros, for good; its size stays.

        Wiping again, wiping beyond the end, and wiping an object that does not exist change
        nothing. Two wipes of one object must not run at the same time.

        Args:
            key: The object.
            ranges: The offset and length of each range.
        """

    async def list(self, prefix: str) -> list[StoredObject]:
        """Return the objects whose keys begin with the text `prefix`, in order of their keys."""

    async def list_part(self, *, after: str, most: int) -> Sequence[StoredObject]:
        """Return the next objects of the whole store in order of their keys, to list it in parts.

        Args:
            after: The last key of the part before; empty for the first part.
            most: The number of objects to return, if there are as many; fewer end the list.
        """

    async def probe(self) -> tuple[str, ...]:
        """Check at start that objects can be put, read by range, listed and deleted.

        Returns:
            Warnings for the operator about what works but should be set up differently, a sentence
            each; usually there are none.
        """

    async def remove_unfinished(self) -> int:
        """Remove what processes left half written when they died.

        Returns:
            How many objects may be leftovers and are too young to tell; 0 where there are none.

        Raises:
            StorageUnavailable: The storage does not answer.
        """

    async def close(self) -> None:
        """Finish running calls and close; every later call raises `StorageUnavailable`."""


def check_range(offset: int, length: int | None) -> None:
    """Refuse a byte range that cannot exist.

    Raises:
        ValueError: The offset or the length is negative.
    """
    if offset < 0 or (length is not None and length < 0):
        raise ValueError(f"offset {offset} and length {length} must not be negative")


def list_content_parts(content: ObjectContent) -> Sequence[bytes | memoryview]:
    """Return the parts of which an object's content consists."""
    return [content] if isinstance(content, bytes | memoryview) else content
