"""The port every object store answers to, whichever driver stands behind it.

Objects are written once; only a deletion changes one, by wiping what it must not hold any more.
The tests in `tests/contract/storage` say what a driver must do; they run against each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.core.errors import ServiceUnavailable


class Refusing(ServiceUnavailable):
    """The store answers, and says no: as far as anybody can tell, a setting is wrong."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as a list shows it."""

    key: str
    size_bytes: int


Content = bytes | memoryview | Sequence[bytes | memoryview]
"""What an object is to hold: bytes, or parts that stand in it one after another."""


class ObjectStore(Protocol):
    """Bytes under keys.

    Every method raises `MalformedInput` for a key `storage.keys` cannot make, and
    `ServiceUnavailable` when the store cannot answer now; trying again later is then right.
    """

    async def put(self, key: str, content: Content) -> None:
        """Store one object; when this returns, the bytes survive a power cut.

        Putting the same bytes under the same key again changes nothing. A reader sees the whole
        object or none.
        """

    async def put_many(self, objects: Sequence[tuple[str, Content]]) -> None:
        """Store several objects for little more than the cost of one.

        When it raises, any of them may have been stored; putting all of them again is right.
        """

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return the bytes from `offset` on, `length` of them or up to the end.

        Args:
            key: The object.
            offset: From 0; at or past the end gives no bytes.
            length: From 0; None, or more than there is, means up to the end.

        Raises:
            NotFound: No such object.
            ValueError: A negative offset or length.
        """

    async def delete(self, key: str) -> None:
        """Remove one object for good; an absent one is removed already."""

    async def wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        """Put zeros in the place of some bytes of an object, for good; its size stays.

        Wiping twice, beyond the end, or an absent object changes nothing more. Two wipes of one
        object must not run at the same time.

        Args:
            key: The object.
            ranges: Offset and length of each.
        """

    async def list(self, prefix: str) -> list[StoredObject]:
        """Return the objects whose keys begin with the text `prefix`, in order of their keys."""

    async def probe(self) -> tuple[str, ...]:
        """Check at start that objects can be put, read by range, listed and deleted.

        Returns:
            What works, but not as it should; each a sentence for the operator. Mostly empty.
        """

    async def close(self) -> None:
        """Finish what is under way and let go; afterwards everything is `ServiceUnavailable`."""


def check_range(offset: int, length: int | None) -> None:
    """Refuse a byte range no caller can mean.

    Raises:
        ValueError: A negative offset or length.
    """
    if offset < 0 or (length is not None and length < 0):
        raise ValueError(f"offset {offset} and length {length} must not be negative")


def parts_of(content: Content) -> Sequence[bytes | memoryview]:
    """Return the parts that an object is to hold."""
    return [content] if isinstance(content, bytes | memoryview) else content
