"""Digest runs the same statements with symbolication as without, unless an event needs files."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.core import clock
from app.core.ids import ProjectId, PublicKey
from app.db.engine import Database
from app.formats import json_members
from app.formats.wire import envelope as wire_envelope
from app.ingest.digest.marks import JournalRange
from app.ingest.digest.prepare import open_envelope, prepare_items
from app.ingest.digest.store import LaidOutBatch
from app.ingest.digest.symbolicate import BatchSymbolicator
from app.ingest.items.item_type import PreparedBatch
from app.ingest.queue import AcceptedEnvelope
from app.projects.privacy_rules import DEFAULT_PRIVACY
from app.storage.disk.local import LocalStore
from app.symbolication.cache import DebugFileCache
from app.symbolication.event import EventSymbolicator
from tests.support.builders import envelopes
from tests.support.builders.stored_segments import store_claimed
from tests.support.renaming_family import RenamingFamily, debug_meta
from tests.support.statements import noted_statements

PROJECT = ProjectId(7)


@pytest.fixture
async def objects(tmp_path: Path) -> AsyncIterator[LocalStore]:
    """Open a store in a folder of its own."""
    store = LocalStore(tmp_path / "objects", threads=2)
    yield store
    await store.close()


def accept(body: bytes) -> AcceptedEnvelope:
    """Return an envelope as the queue hands it to digest."""
    return AcceptedEnvelope(
        seq=1,
        project_id=PROJECT,
        key=PublicKey("a" * 32),
        is_key_known=True,
        received_ms=clock.now_ms(),
        client_ip=None,
        body=body,
        envelope=wire_envelope.split_envelope(body),
    )


async def digest(
    database: Database, objects: LocalStore, symbolicator: BatchSymbolicator | None, *bodies: bytes
) -> list[str]:
    """Digest envelopes as one batch; returns the statements that ran."""
    async with noted_statements(database) as statements:
        prepared = PreparedBatch()
        received = []
        for body in bodies:
            received += open_envelope(accept(body), DEFAULT_PRIVACY, prepared, is_full=False)
        prepare_items(received, prepared)
        if symbolicator is not None and prepared.to_symbolicate:
            await symbolicator.symbolicate_batch(prepared)
        await store_claimed(
            database, objects, LaidOutBatch.of(prepared, JournalRange("c" * 32, 1, 1))
        )
    return statements


def make_symbolicator(
    database: Database, objects: LocalStore, folder: Path, family: RenamingFamily
) -> BatchSymbolicator:
    """Make what digest symbolicates with."""
    cache = DebugFileCache(folder / "cache", objects, limit_bytes=1_000_000)
    return BatchSymbolicator(EventSymbolicator(database, cache, (family,)), lambda _: False)


async def test_events_that_name_no_files_cost_nothing(
    database: Database, objects: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not one statement, not one decoded member and no call of a family come with symbolication."""
    decoded: list[str] = []
    decode = json_members.decode_members

    def note_decoding(members: Any, names: Any) -> Any:
        decoded.extend(names)
        return decode(members, names)

    monkeypatch.setattr(json_members, "decode_members", note_decoding)
    family = RenamingFamily()
    # The first batch of a process learns types, and makes the partitions of the day.
    await digest(database, objects, None, envelopes.event_envelope("aa" * 16, replay_id=None))
    decoded.clear()
    script = envelopes.event_envelope("ef" * 16, replay_id=None, platform="javascript")
    with_it = await digest(
        database,
        objects,
        make_symbolicator(database, objects, tmp_path, family),
        envelopes.event_envelope("ab" * 16, replay_id=None),
        script,
    )
    decoded_with_it, decoded[:] = [*decoded], []
    without = await digest(
        database,
        objects,
        None,
        envelopes.event_envelope("cd" * 16, replay_id=None),
        script.replace(b"ef" * 16, b"fe" * 16),
    )
    assert with_it == without
    assert decoded_with_it == decoded
    assert not any("symbolicated" in statement for statement in with_it)
    assert family.calls == 0


async def test_events_that_miss_a_file_cost_a_look_up_and_a_note(
    database: Database, objects: LocalStore, tmp_path: Path
):
    """However many events of a batch miss files, one statement looks them up and two note it."""
    symbolicator = make_symbolicator(database, objects, tmp_path, RenamingFamily())
    await digest(database, objects, None, envelopes.event_envelope("aa" * 16, replay_id=None))
    plain = await digest(
        database, objects, None, envelopes.event_envelope("0" * 31 + "1", replay_id=None)
    )
    bodies = [
        envelopes.event_envelope(f"{number:032x}", replay_id=None, debug_meta=debug_meta())
        for number in range(2, 12)
    ]
    missing = await digest(database, objects, symbolicator, *bodies)
    assert len(missing) == len(plain) + 3
