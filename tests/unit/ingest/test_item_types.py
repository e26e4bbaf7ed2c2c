"""Tests that hold for every item type, and for the sets derived from the list of them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.core.ids import ProjectId
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem
from app.ingest import item_types
from app.ingest.item_types import BY_NAME, ITEM_TYPES
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import ItemType, PreparedBatch
from app.projects.model import Outcome
from app.scrub import places
from app.scrub.places import PayloadKind
from app.scrub.rules import DEFAULT_RULES
from tests.support.builders.item_payloads import item_payloads, json_payloads
from tests.support.builders.wire import EVENT_ID

PAYLOADS = item_payloads()
BY_TYPE = pytest.mark.parametrize("item_type", ITEM_TYPES, ids=lambda item_type: item_type.name)


def prepared(item_type: ItemType[Any], payload: bytes) -> PreparedBatch:
    """Prepare one item that came with the header of an event."""
    context = EnvelopeContext(
        project_id=ProjectId(1),
        received_at=datetime(2026, 8, 6, 7, 8, tzinfo=UTC),
        drift_ms=0,
        client_ip="192.0.2.7",
        header=EnvelopeHeader(event_id=EVENT_ID),
        rules=DEFAULT_RULES,
    )
    item = EnvelopeItem(
        item_type.name, memoryview(payload), item_count=1 if item_type.is_container else None
    )
    batch = PreparedBatch()
    item_type.prepare([(item, context)], batch)
    return batch


def refusals(batch: PreparedBatch) -> set[str]:
    """Return the reasons for which items were refused."""
    return {key.reason for key in batch.outcomes if key.outcome is Outcome.REFUSED}


def test_every_type_has_a_good_payload():
    """The tests that go through all types find one in the builders."""
    missing_types = set(BY_NAME) - set(PAYLOADS)
    assert not missing_types, (
        f"add a payload to tests/support/builders/item_payloads.py: {missing_types}"
    )
    assert set(PAYLOADS) == set(BY_NAME)
    assert len(BY_NAME) == len(ITEM_TYPES)


@BY_TYPE
def test_a_good_item_becomes_rows_or_is_counted_as_kept(item_type: ItemType[Any]):
    """Only a type without rows has its outcome before anything is stored."""
    batch = prepared(item_type, PAYLOADS[item_type.name])
    assert refusals(batch) == set()
    if item_type.store is None:
        assert Outcome.KEPT in {key.outcome for key in batch.outcomes}
    else:
        assert len(batch.rows_of(item_type)) == 1
        assert not batch.outcomes


@BY_TYPE
def test_an_item_is_read_up_to_the_limit_of_its_type(item_type: ItemType[Any]):
    """At the limit it is read, with one byte more it is refused."""
    payload = PAYLOADS[item_type.name]
    at_limit = prepared(item_type, payload.ljust(item_type.limit_bytes))
    past_limit = prepared(item_type, payload.ljust(item_type.limit_bytes + 1))
    assert "too_large" not in refusals(at_limit)
    if item_type.name == "replay_recording":
        # Beside its event it would cost only itself; alone it makes no segment.
        assert refusals(past_limit) == {"no_replay_event"}
    else:
        assert refusals(past_limit) == {"too_large"}


@BY_TYPE
def test_a_payload_of_nothing_is_kept_or_refused(item_type: ItemType[Any]):
    """Whatever is sent, `prepare` raises nothing and loses nothing."""
    batch = prepared(item_type, b"")
    assert batch.outcomes.total() + len(batch.rows_of(item_type)) == 1


@BY_TYPE
def test_an_item_is_scrubbed_by_the_layout_of_its_type(item_type: ItemType[Any], monkeypatch):
    """The layout that a type names is the one by which its text is found."""
    kinds: set[PayloadKind] = set()
    root_place = places.root_place

    def note_kind(kind: PayloadKind) -> places.JsonPlace:
        kinds.add(kind)
        return root_place(kind)

    monkeypatch.setattr(places, "root_place", note_kind)
    prepared(item_type, PAYLOADS[item_type.name])
    match item_type.name:
        case "attachment":
            # Its name and types are scrubbed like a message; its bytes if they are views.
            assert kinds == {PayloadKind.EVENT}
        case "replay_recording" | "client_report":
            assert not kinds
        case _:
            assert kinds == {item_type.scrubbing}


def test_scrubbed_types_are_json_or_carry_it():
    """Only a type of which no text is kept has no layout for scrubbing."""
    unscrubbed = {each.name for each in ITEM_TYPES if each.scrubbing is None}
    assert unscrubbed == {"client_report"}
    assert unscrubbed < set(json_payloads())


def test_replays_are_left_out_where_recording_must_go_on():
    """Neither by name nor by an empty list, which would mean everything."""
    assert "replay" in item_types.CATEGORIES
    assert set(item_types.CATEGORIES_BUT_REPLAY) == set(item_types.CATEGORIES) - {"replay"}
    assert {"error", "log_byte", "profile"} <= set(item_types.CATEGORIES_BUT_REPLAY)


def test_what_goes_to_object_storage_is_known_by_type_and_category():
    """A project whose storage is full holds back segments and files, and nothing else."""
    assert {"replay_video", "replay_event", "replay_recording"} == item_types.SEGMENT_TYPES
    assert item_types.SEGMENT_TYPES | {"attachment"} == item_types.IN_OBJECT_STORAGE
    assert item_types.CATEGORIES_IN_OBJECT_STORAGE == ("replay", "attachment")


def test_kept_and_ignored_types_are_told_apart():
    """A type that is kept is taken out of the table of those that are not."""
    leftovers = item_types.IGNORED_TYPES & set(BY_NAME)
    assert not leftovers, f"take these out of _IGNORED in app/ingest/item_types.py: {leftovers}"
