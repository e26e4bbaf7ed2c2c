"""A bucket that several servers share, and what they have spilled into it."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from app.storage import keys
from app.storage.keys import SpilledName
from tests.support.servers import s3
from tests.support.waiting import until_asked

SILENT_AFTER_S: Final = 1.5
"""The silence after which a process counts as dead, in tests."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and the settings with which servers reach it."""

    service: s3.Service
    name: str

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return the settings of a server that uses it and learns soon of silent ones."""
        access = self.service.access
        assert access.secret is not None
        return {
            "storage": f"s3://{self.name}",
            "s3_endpoint_url": access.endpoint_url,
            "s3_region": access.region,
            "s3_access_key_id": access.key_id,
            "s3_secret_access_key": access.secret,
            "s3_addressing": "path",
            "heartbeat_s": 0.2,
            "silent_after_s": SILENT_AFTER_S,
            "spill_after_s": 0.3,
            **changes,
        }

    def list_spilled(self) -> list[SpilledName]:
        """Return the spilled files in it, in the order of their names."""
        pages = self.service.owner.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        keys_there = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        names = [keys.read_spill_key(key) for key in sorted(keys_there)]
        return [name for name in names if name is not None]

    def read(self, file: SpilledName) -> bytes:
        """Return the content of a spilled file."""
        with self.service.owner.get_object(Bucket=self.name, Key=file.object_key)["Body"] as body:
            return body.read()


async def wait_until_spilled(bucket: Bucket, seq: int) -> None:
    """Wait until everything up to an entry is in the bucket."""

    async def is_spilled() -> bool:
        files = await asyncio.to_thread(bucket.list_spilled)
        return bool(files) and max(file.last_seq for file in files) >= seq

    await until_asked(is_spilled)


async def wait_until_clean(bucket: Bucket) -> None:
    """Wait until no spilled file is left."""

    async def is_clean() -> bool:
        return not await asyncio.to_thread(bucket.list_spilled)

    await until_asked(is_clean)
