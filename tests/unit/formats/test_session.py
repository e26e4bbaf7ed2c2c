"""Sessions of both forms become counts of a release."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats import session
from app.formats.session import SessionCounts, SessionStatusCount
from tests.support.builders.wire import MISSING, Json, changed, compact
from tests.support.examples import JSON_VALUES, SETTINGS, mutated, with_changed_member
from tests.support.recorded import contents, samples

STARTED = "2026-08-06T07:06:40.000Z"
STARTED_AT = datetime(2026, 8, 6, 7, 6, 40, tzinfo=UTC)
ATTRIBUTES = {"release": "shop@4.2.0", "environment": "qa", "ip_address": "192.0.2.1"}
ONE: Json = {"sid": "a" * 32, "init": True, "started": STARTED, "status": "ok", "attrs": ATTRIBUTES}
SOME: Json = {"aggregates": [{"started": STARTED, "exited": 2, "crashed": 1}], "attrs": ATTRIBUTES}


def read(**changes: Any) -> SessionCounts:
    """Read an update with some members changed."""
    return session.read_session(compact(changed(ONE, changes)))


def statuses(**changes: Any) -> list[str]:
    """Return the statuses that an update adds one to."""
    return [count.status for count in read(**changes).counts]


def test_a_beginning_is_counted():
    """The start of a session is counted with release, environment and time."""
    assert read() == SessionCounts(
        "a" * 32, "shop@4.2.0", "qa", (SessionStatusCount(STARTED_AT, "started", 1),)
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"init": False}, []),
        ({"init": MISSING, "errors": 3}, []),
        ({"init": MISSING, "status": MISSING}, []),
        ({"init": False, "status": "exited", "errors": 0}, ["exited"]),
        ({"init": False, "status": "exited", "errors": 2}, ["errored"]),
        ({"init": False, "status": "crashed", "errors": 1}, ["crashed"]),
        ({"init": False, "status": "abnormal"}, ["abnormal"]),
        ({"init": False, "status": "unhandled", "errors": 1}, ["unhandled"]),
        ({"status": "exited"}, ["started", "exited"]),
    ],
)
def test_an_update_adds_its_beginning_and_its_end(changes, expected):
    """Updates in between add nothing."""
    assert statuses(**changes) == expected


def test_aggregates_are_counted_by_status_and_together():
    """Each number counts, and their sum is how many began; an invalid number counts as none."""
    result = session.read_session_aggregates(compact(SOME))
    assert result.counts == (
        SessionStatusCount(STARTED_AT, "started", 3),
        SessionStatusCount(STARTED_AT, "exited", 2),
        SessionStatusCount(STARTED_AT, "crashed", 1),
    )
    odd = SOME | {"aggregates": [{"started": STARTED, "exited": -1, "errored": 10**10}]}
    assert session.read_session_aggregates(compact(odd)).counts == ()


def test_an_environment_has_a_default():
    """A session without environment has the same default as an error."""
    assert read(attrs={"release": "a"}).environment == "production"


@pytest.mark.parametrize(
    "changes",
    [
        {"sid": "x"},
        {"attrs": MISSING},
        {"attrs": {"release": ""}},
        {"started": None},
        {"status": "odd"},
    ],
)
def test_a_session_needs_an_id_a_release_a_start_and_a_known_status(changes):
    """A session without one of them is refused."""
    with pytest.raises(MalformedInput):
        read(**changes)


@pytest.mark.parametrize("aggregates", [None, {}, [7], [{}], [{"exited": 2}]])
def test_aggregates_need_a_list_with_starts(aggregates):
    """Anything else is refused."""
    with pytest.raises(MalformedInput):
        session.read_session_aggregates(compact(SOME | {"aggregates": aggregates}))


def test_the_size_and_the_counts_of_sessions_are_limited():
    """Sessions are read at the limit of size and count, and refused one past it."""
    assert session.read_session(compact(ONE).ljust(LIMITS.sessions_bytes)).counts
    with pytest.raises(OversizedInput, match="session has 10485761 bytes"):
        session.read_session(compact(ONE).ljust(LIMITS.sessions_bytes + 1))
    bucket = {"started": STARTED, "exited": 1}
    many = {"aggregates": [bucket] * LIMITS.session_counts, "attrs": ATTRIBUTES}
    assert len(session.read_session_aggregates(compact(many)).counts) == 2 * LIMITS.session_counts
    many["aggregates"] = [bucket] * (LIMITS.session_counts + 1)
    with pytest.raises(OversizedInput, match="1001 aggregates"):
        session.read_session_aggregates(compact(many))


@pytest.mark.parametrize("family", samples.families())
def test_recorded_sessions_are_read(family):
    """Every update of every SDK names a release."""
    for request in contents.requests(family):
        for item in contents.envelope_of(request).items:
            if item.type == "session":
                assert session.read_session(item.payload).release
            if item.type == "sessions":
                assert session.read_session_aggregates(item.payload).counts


@SETTINGS
@given(with_changed_member(ONE), with_changed_member(SOME), JSON_VALUES)
def test_sessions_of_any_shape_are_read_or_refused(one, some, anything):
    """Every quantity is positive, and every status is known."""
    sources = [one, some, some | {"aggregates": [{"started": STARTED, "exited": anything}]}]
    for source in sources:
        for reader in (session.read_session, session.read_session_aggregates):
            try:
                result = reader(compact(source))
            except MalformedInput:
                continue
            assert all(count.quantity > 0 for count in result.counts)


@SETTINGS
@given(st.binary(max_size=60) | mutated([compact(ONE), compact(SOME)]))
def test_any_bytes_are_read_or_refused(data):
    """No other error is raised."""
    for reader in (session.read_session, session.read_session_aggregates):
        try:
            reader(data)
        except MalformedInput:
            continue
