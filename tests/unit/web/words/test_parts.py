"""Tests of the words and the addresses of parts of long lists."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from app.core.errors import InvalidInput
from app.core.ids import EventId, ProjectId
from app.issues.events import replay_events as errors
from app.issues.events.replay_events import EventPlace
from app.traces import logs, parts
from app.traces.logs import LogPlace
from app.traces.parts import BlockPlace
from app.web.frame import part_cursors
from app.web.words.parts import ListPart, describe_part

SOME_TIME = datetime(2026, 11, 24, 14, 0, 1, 25, tzinfo=UTC)


def described(first: int, shown: int, total: int, **changes) -> ListPart | None:
    """Describe a part of a list of errors in parts of 1,000."""
    values = {"size": 1_000, "next_href": "/next" if first + shown - 1 < total else None}
    return describe_part("error", first=first, shown=shown, total=total, **(values | changes))


def test_a_whole_list_needs_no_words():
    """A list that fits on its page says nothing, and so does an empty one."""
    assert described(1, 1_000, 1_000) is None
    assert described(1, 0, 0) is None


@pytest.mark.parametrize(
    ("first", "shown", "total", "text", "next_text"),
    [
        (1, 1_000, 4_213, "Showing the first 1,000 of 4,213 errors.", "Next 1,000 errors"),
        (1, 1_000, 1_001, "Showing the first 1,000 of 1,001 errors.", "Next 1 error"),
        (3_001, 1_000, 4_213, "Showing errors 3,001 to 4,000 of 4,213.", "Next 213 errors"),
        (4_001, 213, 4_213, "Showing errors 4,001 to 4,213 of 4,213.", None),
    ],
)
def test_a_part_says_which_it_is(
    first: int, shown: int, total: int, text: str, next_text: str | None
):
    """The sentence has both numbers, and the link says how many come next."""
    part = described(first, shown, total)
    assert part
    assert (part.text, part.next_text) == (text, next_text)


def test_a_bounded_count_is_a_lower_bound():
    """A count that stopped at its bound says `more than`, and the next part may be a full one."""
    part = described(1, 1_000, 1_000, is_at_least=True, next_href="/next", order="By size.")
    assert part
    assert part.text == "Showing the first 1,000 of more than 1,000 errors. By size."
    assert part.next_text == "Next 1,000 errors"


def test_an_inexact_number_says_about():
    """Spans are counted with those that came twice, so the link promises no number."""
    part = described(1, 4_950, 12_000, is_about=True)
    assert part
    assert part.text == "Showing the first 4,950 of about 12,000 errors."
    assert part.next_text == "Next part of the errors"


@pytest.mark.parametrize("rank", [0, 1, 2, 300])
def test_the_place_of_an_event_comes_back_from_its_text(rank: int):
    """The text of an event's place keeps its time to the microsecond."""
    place = EventPlace(rank, SOME_TIME, ProjectId(2**63 - 1), EventId("ab" * 16))
    assert part_cursors.read_event_place(part_cursors.write_event_place(place)) == place


def test_places_of_records_and_blocks_come_back_from_their_text():
    """Texts of the places of records and blocks keep their times to the microsecond."""
    record = LogPlace(2_000, SOME_TIME, ProjectId(7), "ab" * 16)
    assert part_cursors.read_log_place(part_cursors.write_log_place(record)) == record
    block = BlockPlace(SOME_TIME, ProjectId(7), "cd" * 16)
    assert part_cursors.read_block_place(part_cursors.write_block_place(block)) == block
    with pytest.raises(InvalidInput):
        part_cursors.read_block_place(part_cursors.write_log_place(record))


def test_no_place_is_the_beginning():
    """An address without a place begins with the first row."""
    assert part_cursors.read_event_place("") == errors.BEFORE_ALL
    assert part_cursors.read_log_place("") == logs.BEFORE_ALL
    assert part_cursors.read_block_place("") == parts.BEFORE_ALL


@given(st.text())
def test_any_text_is_a_place_or_refused(text: str):
    """A made-up place is refused as malformed."""
    try:
        place = part_cursors.read_event_place(text)
    except InvalidInput:
        return
    assert not text or part_cursors.write_event_place(place) == text.rstrip("=")


@pytest.mark.parametrize("number", [-1, 2**31])
def test_a_number_that_no_row_has_is_refused(number: int):
    """Postgres could not compare it with the rank of an event or the number of a record."""
    text = part_cursors.write_log_place(LogPlace(number, SOME_TIME, ProjectId(7), "ab" * 16))
    with pytest.raises(InvalidInput):
        part_cursors.read_log_place(text)
    with pytest.raises(InvalidInput):
        part_cursors.read_event_place(text)
