"""A person who is erased is named nowhere any more, and everybody else keeps everything."""

from typing import Any

import pytest
from sqlalchemy import text

from app.erasure.jobs.model import Erasure
from app.erasure.people.names import NameKind, PersonName
from tests.support import data_search
from tests.support.builders import envelopes
from tests.support.erasing import erase_person
from tests.support.servers.server import Server

REPLAYS, EVENTS, FEEDBACKS, LOGS = 5, 40, 5, 6
PERSON: dict[str, str] = {
    "id": "customer-8841",
    "email": "mira.lindqvist@example.com",
    "ip_address": "203.0.113.77",
    "name": "Mira Lindqvist",
}
OTHER: dict[str, str] = {"id": "customer-1", "email": "noah@example.com"}
NAMES = [
    PersonName(NameKind.ID, PERSON["id"]),
    PersonName(NameKind.EMAIL, "Mira.Lindqvist@example.com"),
    PersonName(NameKind.IP, PERSON["ip_address"]),
    PersonName(NameKind.NAME, PERSON["name"]),
]
Dump = dict[str, Any]
NEEDLES = tuple(PERSON.values())


def make_id(kind: str, number: int) -> str:
    """Make an id of a replay or an event."""
    return f"{kind}{number:x}".rjust(32, "0")


async def send_everything_of(server: Server, user: dict[str, str], kind: str) -> None:
    """Send what an app knows of a user: replays, events, feedback, logs and spans."""
    bodies = []
    for number in range(REPLAYS):
        replay_id = make_id(f"{kind}a", number)
        trace_id = make_id(f"{kind}b", number)
        bodies += [
            envelopes.replay_video_envelope(
                segment, replay_id=replay_id, trace_id=trace_id, user=user
            )
            for segment in range(2)
        ]
    for number in range(EVENTS):
        # Half of them belong to a replay; some name the person in a text only.
        named_id = make_id(f"{kind}a", number % REPLAYS) if number % 2 else None
        named: dict[str, Any] = {"user": user}
        if number % 10 == 4:
            named = {"user": {}, "extra": {"customer": {"name": user.get("name", user["id"])}}}
        bodies.append(
            envelopes.event_envelope(
                make_id(f"{kind}c", number),
                replay_id=named_id,
                trace_id=make_id(f"{kind}d", number),
                fingerprint=[f"problem {number % 4}"],
                more_items=[envelopes.attachment_item(f"note {kind} {number}".encode())],
                **named,
            )
        )
    for number in range(FEEDBACKS):
        item = envelopes.feedback_item(
            f"it fails {number}", contact_email=user["email"], name=user.get("name", "Noah")
        )
        header = envelopes.envelope_header(event_id=make_id(f"{kind}e", number), replay_id=None)
        bodies.append(envelopes.envelope(header, item))
    trace_id = make_id(f"{kind}f", 1)
    header = envelopes.envelope_header(event_id=None, replay_id=None, trace_id=trace_id)
    texts = [f"{kind} log {number}" for number in range(LOGS)]
    logs = envelopes.log_item(*texts, trace_id=trace_id, **{"user.id": user["id"]})
    bodies.append(envelopes.envelope(header, logs))
    bodies += [
        envelopes.transaction_envelope(
            make_id(f"{kind}9", number), replay_id=None, trace_id=trace_id, user=user
        )
        for number in range(3)
    ]
    await server.take(*bodies)


async def dump_everything(server: Server) -> Dump:
    """Return what pages show of issues, and of the replays of the other person."""
    ids = [make_id("aa", number) for number in range(REPLAYS)]
    replays = {replay_id: await server.dump(replay_id) for replay_id in ids}
    return {"issues": await server.dump_issues(), "replays": replays}


async def find_names(server: Server) -> list[str]:
    """Return where the person is still named, in rows and in objects."""
    async with server.database.reading() as connection:
        hits = await data_search.find_in_rows(connection, NEEDLES)
    return hits + data_search.find_in_files(server.objects(), NEEDLES)


@pytest.fixture
async def others(server: Server) -> Dump:
    """Send everything of somebody else, and return what is known of issues and replays then."""
    await send_everything_of(server, OTHER, "a")
    return await dump_everything(server)


@pytest.fixture
async def erased(server: Server, others: Dump) -> Erasure:
    """Send everything of a person, and erase them."""
    await send_everything_of(server, PERSON, "b")
    assert {hit.split(".")[0] for hit in await find_names(server)} >= {
        "replays", "events", "feedback", "logs", "span_blocks"
    }  # fmt: skip
    return await erase_person(server, NAMES)


async def test_nothing_names_an_erased_person(server: Server, erased: Erasure):
    """Neither rows nor objects have a name of the person, and the receipt counts exactly."""
    assert await find_names(server) == []
    assert dict(erased.counts) == {
        "replays": REPLAYS,
        "segments": 2 * REPLAYS,
        "events": EVENTS,
        "files": EVENTS,
        "feedback": FEEDBACKS,
        "logs": LOGS,
        "spans": 9,
    }
    assert erased.scope is None


async def test_everybody_else_keeps_everything(server: Server, others: Dump, erased: Erasure):
    """Issues and replays are as if the person had never been there: counts, links, extremes."""
    assert await dump_everything(server) == others
    async with server.database.reading() as connection:
        wrong = await connection.execute(
            text(
                """
                select i.issue_id from issues i
                where i.events <> (select count(*) from events e where e.issue_id = i.issue_id)
                   or i.events <> (select sum(h.events) from issue_hours h
                                   where h.issue_id = i.issue_id)
                   or i.users <> (select count(*) from issue_users u
                                  where u.issue_id = i.issue_id)
                   or not exists (select from events e where e.event_id = i.first_event_id)
                   or not exists (select from events e where e.event_id = i.last_event_id)
                """
            )
        )
        assert wrong.all() == []


async def test_late_envelopes_of_an_erased_person_stay_out(server: Server, erased: Erasure):
    """A late segment of an erased replay is counted as deleted, and nothing of it is stored."""
    replay_id = make_id("ba", 0)
    await server.take(envelopes.replay_video_envelope(2, replay_id=replay_id, user=PERSON))
    assert (await server.outcomes())["replay_video", "deleted", ""] == 1
    assert (await server.web.get(server.page(replay_id))).status_code == 410
    assert await find_names(server) == []


@pytest.mark.parametrize("name", NAMES[:3], ids=lambda name: str(name.kind))
async def test_one_name_finds_every_replay_of_the_person(server: Server, name: PersonName):
    """A user id, an e-mail address and an IP address each find replays, in any case."""
    await server.take(
        envelopes.replay_video_envelope(user=PERSON),
        envelopes.replay_video_envelope(replay_id="d" * 32, user=OTHER),
    )
    erasure = await erase_person(server, [name])
    assert erasure.counts["replays"] == 1
    assert (await server.web.get(server.page("d" * 32))).status_code == 200


async def test_a_replay_goes_in_which_an_event_names_the_person(server: Server):
    """Whoever signs in while the app is recorded stands in events, not in the replay's row."""
    await server.take(
        envelopes.replay_video_envelope(user={}), envelopes.event_envelope(user=PERSON)
    )
    erasure = await erase_person(server, NAMES[:1])
    assert erasure.counts["replays"] == 1
    assert await find_names(server) == []


async def test_a_short_id_is_found_in_fields_of_users_only(server: Server):
    """The user `42` is not every record with a 42 in it."""
    await server.take(
        envelopes.event_envelope("1" * 32, replay_id=None, user={"id": "42"}),
        envelopes.event_envelope("2" * 32, replay_id=None, user={}, extra={"id": "42", "n": 42}),
        envelopes.event_envelope("3" * 32, replay_id=None, user={}, extra={"user": {"id": 42}}),
    )
    erasure = await erase_person(server, [PersonName(NameKind.ID, "42")])
    assert erasure.counts["events"] == 2
    async with server.database.reading() as connection:
        left = (await connection.scalars(text("select event_id from events"))).all()
    assert [event_id.hex for event_id in left] == ["2" * 32]


async def test_what_an_index_finds_is_out_of_sight_at_once(server: Server):
    """Before the first step of the job, replays, errors and feedback of the person are gone."""
    await send_everything_of(server, PERSON, "b")
    await server.service.page_services.eraser.stop()
    path = f"/projects/{server.app.id}/erasures/person"
    names = [f"{name.kind}:{name.value}" for name in NAMES]
    answer = await server.web.post(path, data={"name": names, "sure": "yes"})
    assert answer.status_code == 303
    async with server.database.reading() as connection:
        left = {
            table: await connection.scalar(text(f"select count(*) from {table}"))
            for table in ("replays", "events", "feedback")
        }
    # The four errors that name the person in their data only are found by the search that follows.
    assert left == {"replays": 0, "events": 4, "feedback": 0}
