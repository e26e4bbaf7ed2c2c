"""Opens the object store of a process, with the checks that come before its use."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from app.core.settings import Settings
from app.db.engine import Database
from app.processes.store_check import StoreCheck
from app.storage.choose import describe_store, open_store
from app.storage.guarded import GuardedStore
from app.storage.measured import MeasuredStore
from app.storage.startup_check import StartupCheck


async def open_checked_store(
    settings: Settings,
    data_dir: Path,
    database: Database,
    *,
    setup_url: str,
    prepared: asyncio.Event,
    stack: AsyncExitStack,
) -> MeasuredStore:
    """Open the store; its checks go on in the background while it or Postgres does not answer.

    Args:
        settings: The settings, which name the store.
        data_dir: The folder above the objects of local storage.
        database: The database whose objects lie in the store.
        setup_url: The database, for the lock under which one process at a time sets it up.
        prepared: Set once the database can be used.
        stack: Ends the checks and closes the store.

    Raises:
        StorageRefused: The store answers, and refuses an operation that Playhead needs, or is not
            that of the database.
    """
    guarded = GuardedStore(open_store(settings, data_dir))
    objects = MeasuredStore(guarded)
    stack.push_async_callback(objects.close)
    startup_check = StartupCheck(guarded.inner)
    stack.push_async_callback(startup_check.stop)
    await startup_check.begin()
    store_check = StoreCheck(
        database, guarded, describe_store(settings), setup_url=setup_url, prepared=prepared
    )
    stack.push_async_callback(store_check.stop)
    await store_check.begin()
    return objects
