"""A store is listed in parts only if it lists its objects in the order of their keys."""

from collections.abc import Sequence
from typing import cast

import pytest

from app.backup import objects
from app.backup.model import BackupUnfinished
from app.storage.port import ObjectStore, StoredObject


class OddStore:
    """A store that lists the same keys whatever was asked."""

    def __init__(self, *keys: str) -> None:
        self._keys = keys

    async def list_part(self, *, after: str, most: int) -> Sequence[StoredObject]:
        """Answer as a gateway does that does not know `StartAfter`."""
        del after, most
        return [StoredObject(key, 1) for key in self._keys]


@pytest.mark.parametrize("keys", [("a", "b"), ("b", "a")])
async def test_a_store_without_an_order_is_refused(keys: tuple[str, ...], monkeypatch):
    """It would be listed for ever, or objects would be missed."""
    monkeypatch.setattr(objects, "_PART", 2)
    with pytest.raises(BackupUnfinished, match="in the order of their keys"):
        async for _ in objects._list_store(cast(ObjectStore, OddStore(*keys))):
            pass
