"""What every item type has in common, over HTTP."""

import pytest

from app.ingest.item_types import BY_NAME, IN_OBJECT_STORAGE
from tests.support.builders import envelopes
from tests.support.builders.item_payloads import item_payloads
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

WITHOUT_ID = {"sessions", "client_report"}
"""Types whose items have no id of their own: one that is sent again is counted again."""


def envelope_of(number: int, item_type: str) -> bytes:
    """Return an envelope with one good item; the number makes an id that no other type has."""
    event_id = f"{number + 1:032x}"
    payload = item_payloads(event_id)[item_type]
    item_count = {"item_count": 1} if BY_NAME[item_type].is_container else {}
    return envelopes.envelope(
        envelopes.envelope_header(event_id=event_id),
        envelopes.item(item_type, payload, **item_count),
    )


@pytest.mark.parametrize(("number", "item_type"), list(enumerate(BY_NAME)))
async def test_an_item_of_every_type_is_kept_once(tenant: Server, number: int, item_type: str):
    """The first delivery is kept, and the second is a duplicate if the item has an id."""
    envelope = envelope_of(number, item_type)
    await tenant.take(envelope)
    first_outcomes = await tenant.outcomes()
    assert first_outcomes[item_type, "kept", ""] == 1
    await tenant.take(envelope)
    second_outcome = "kept" if item_type in WITHOUT_ID else "duplicate"
    assert (await tenant.outcomes() - first_outcomes)[item_type, second_outcome, ""] == 1


@pytest.mark.parametrize(("number", "item_type"), list(enumerate(BY_NAME)))
async def test_a_full_project_accepts_items_outside_of_object_storage(
    tenant: Server, monkeypatch, number: int, item_type: str
):
    """Items for object storage are limited, and their sender is told to hold them back."""
    quotas = tenant.service.ingest.admission.quotas
    monkeypatch.setattr(quotas, "_full", frozenset({tenant.app.id}))
    answer = await tenant.post(envelope_of(number, item_type))
    await tenant.settled()
    if item_type in IN_OBJECT_STORAGE:
        assert answer.status_code == 429
        assert "replay;attachment:project:storage_quota" in answer.headers["X-Sentry-Rate-Limits"]
    else:
        assert answer.status_code == 200
        assert (await tenant.outcomes())[item_type, "kept", ""] == 1
