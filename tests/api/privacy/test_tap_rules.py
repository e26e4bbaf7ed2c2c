"""Tap rules on a real server: a PIN that was typed cannot be read from anything that is stored."""

import json
import uuid
from collections.abc import AsyncIterator
from itertools import chain
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from app.memberships.model import Role
from app.projects import privacy_rules
from tests.api.ingest.test_canaries import read_columns, searchable_bytes
from tests.support.browsers import signed_in
from tests.support.builders import envelopes, recordings
from tests.support.builders.people import make_person
from tests.support.builders.wire import REPLAY_ID, STARTED_MS, Json
from tests.support.html_reader import parse_page
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

RULES = {"version": "0", "keypads": "on", "screens": "Transfer*", "regions": "Home 0 90 100 100"}
KEY_ROW_Y = 211.0
HIDDEN_X = (31.2578125, 63.2578125, 95.2578125)
"""Places of keys, with more decimals than any time has."""


@pytest_asyncio.fixture(loop_scope="session")
async def admin(tenant: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of an admin of the app's project."""
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person, role=Role.ADMIN) as browser:
        yield browser


def tap(at_ms: int, x: float, y: float, view: str) -> list[Json]:
    """Make the touches and the breadcrumb of a tap."""
    return [
        recordings.touch("start", STARTED_MS + at_ms, x, y),
        recordings.touch("end", STARTED_MS + at_ms + 40, x, y),
        recordings.breadcrumb(
            "ui.tap", STARTED_MS + at_ms + 41, message=view, data={"view.id": view}
        ),
    ]


def pin_events() -> list[Json]:
    """Make a recording in which a PIN of three digits is typed."""
    screen = recordings.breadcrumb("navigation", STARTED_MS + 200, data={"to": "PinActivity"})
    keys = [tap(400 + 300 * n, x, KEY_ROW_Y, f"keysecret_{n}") for n, x in enumerate(HIDDEN_X)]
    return [recordings.meta(STARTED_MS), *tap(20, 5, 5, "btn_login"), screen, *chain(*keys)]


async def save(admin: httpx2.AsyncClient, tenant: Server, **changes: str) -> httpx2.Response:
    """Save privacy rules of the project."""
    address = f"/projects/{tenant.app.id}/settings/privacy"
    return await admin.post(address, data=RULES | changes)


async def test_a_pin_is_stored_nowhere(tenant: Server, admin: httpx2.AsyncClient):
    """Recording, error, transaction and view hierarchy keep neither a place nor a key."""
    assert (await save(admin, tenant)).status_code == 303
    crumbs = [
        {"category": "navigation", "data": {"to": "PinActivity"}, "timestamp": STARTED_MS / 1000},
        *({"category": "ui.click", "data": {"view.id": f"keysecret_{n}"}} for n in range(3)),
    ]
    tree = {"windows": [{"type": "PinPad", "children": [
        {"type": "Button", "identifier": "keysecret_1", "x": HIDDEN_X[1], "y": KEY_ROW_Y},
    ]}]}  # fmt: skip
    span = {"op": "ui.action.click", "description": "PinActivity.keysecret_2"}
    await tenant.take(
        envelopes.replay_video_envelope(0, events=pin_events(), urls=["Home", "PinActivity"]),
        envelopes.event_envelope(
            uuid.uuid4().hex,
            breadcrumbs={"values": crumbs},
            more_items=[
                envelopes.item(
                    "attachment", tree, filename="v.json", attachment_type="event.view_hierarchy"
                )
            ],
        ),
        envelopes.transaction_envelope(
            uuid.uuid4().hex, spans=[_spans_of(span)], breadcrumbs={"values": crumbs}
        ),
    )
    places = await read_columns(tenant)
    places += [(str(path), searchable_bytes(path.read_bytes())) for path in tenant.objects()]
    for needle in ("keysecret", *map(str, HIDDEN_X)):
        assert [place for place, data in places if needle.encode() in data] == []
    replay = parse_page((await admin.get(f"/projects/{tenant.app.id}/replays/{REPLAY_ID}")).text)
    text = " ".join(replay.text.split())
    assert "3 taps hidden by rule on a screen with a keypad" in text
    assert "tap on a keypad, or its view 3" in text
    assert "Tap on btn_login" in text
    gestures = await admin.get(f"/projects/{tenant.app.id}/replays/{REPLAY_ID}/gestures")
    assert len(gestures.json()) == 1
    async with tenant.database.reading() as connection:
        counts = await privacy_rules.list_removals(connection, tenant.app.id, days=2)
    assert {count.rule for count in counts} >= {"taps: keypad"}


def _spans_of(span: Json) -> Json:
    times = {"start_timestamp": STARTED_MS / 1000, "timestamp": STARTED_MS / 1000 + 1}
    return {"span_id": "7" * 16, "trace_id": "8" * 32, "status": "ok", **times, **span}


async def test_a_hierarchy_that_cannot_be_read_is_refused(
    tenant: Server, admin: httpx2.AsyncClient
):
    """Under tap rules, a broken or too large view hierarchy is not kept as it came."""
    await save(admin, tenant)
    deep: Any = {"identifier": "key_1"}
    for _ in range(100):
        deep = {"children": [deep]}
    bodies = [b"{broken", json.dumps(deep).encode(), b'{"a":"' + b"x" * 1_100_000 + b'"}']
    files = [
        envelopes.item("attachment", body, filename="v", attachment_type="event.view_hierarchy")
        for body in bodies
    ]
    await tenant.take(envelopes.event_envelope(uuid.uuid4().hex, more_items=files))
    outcomes = await tenant.outcomes()
    refused = {key: n for key, n in outcomes.items() if key[0] == "attachment"}
    assert sum(refused.values()) == 3
    assert {outcome for _, outcome, _ in refused} == {"refused"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"regions": "Home 0 60 100"}, "is no region"),
        ({"regions": "Home 0 60 100 x"}, "is no region"),
        ({"regions": "Home 0 60 100 101"}, "0 to 100"),
        ({"regions": "Home 50 0 50 100"}, "left and top are less"),
        ({"regions": "Home 0 0 nan 100"}, "0 to 100"),
        ({"regions": "\n".join(f"S{n} 0 0 1 1" for n in range(21))}, "at most 20"),
        ({"screens": "\n".join(f"S{n}" for n in range(51))}, "at most 50"),
        ({"views": "x" * 81}, "at most 80 characters"),
    ],
)
async def test_tap_rules_that_cannot_be_used_are_refused(
    tenant: Server, admin: httpx2.AsyncClient, change: dict[str, str], words: str
):
    """The page says what is wrong, and keeps what was typed."""
    answer = await save(admin, tenant, **change)
    assert answer.status_code == 400
    assert words in " ".join(parse_page(answer.text).text.split())
    assert next(iter(change.values())).splitlines()[0] in answer.text


async def test_the_page_shows_the_tap_rules_as_saved(tenant: Server, admin: httpx2.AsyncClient):
    """The form holds the saved rules, and the versions say what changed."""
    await save(admin, tenant)
    page = (await admin.get(f"/projects/{tenant.app.id}/settings/privacy")).text
    for piece in (">Transfer*</textarea>", ">Home 0 90 100 100</textarea>", 'name="keypads"'):
        assert piece in page
    text = parse_page(page).text
    assert "hiding taps on keypads on; hidden screen Transfer* added" in " ".join(text.split())
