"""Tests of client reports, in which SDKs count what they lost."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats import client_report
from app.formats.client_report import ReportedLoss
from tests.support.builders.wire import Json, compact
from tests.support.examples import JSON_VALUES, SETTINGS, mutated
from tests.support.recorded import contents, samples

LOST: Json = {"reason": "cache_overflow", "category": "replay", "quantity": 4}
BILLION = 1_000_000_000


def read(*entries: object) -> client_report.ClientReport:
    """Read a report of these entries."""
    return client_report.read_client_report(
        compact({"timestamp": 1_786_000_000, "discarded_events": entries})
    )


def test_losses_add_up_by_category_and_reason():
    """Two entries of one kind are one loss."""
    result = read(LOST, LOST | {"category": "error"}, LOST | {"quantity": "2"})
    assert result.losses == {
        ReportedLoss("replay", "cache_overflow"): 6,
        ReportedLoss("error", "cache_overflow"): 4,
    }
    assert result.skipped == 0


@pytest.mark.parametrize(
    "entry",
    [
        7,
        None,
        {},
        LOST | {"category": "a category of 4111 1111 1111 1111"},
        LOST | {"reason": ""},
        LOST | {"reason": "x" * 65},
        LOST | {"reason": "4111111111111111"},
        LOST | {"quantity": 0},
        LOST | {"quantity": BILLION + 1},
        LOST | {"quantity": None},
    ],
)
def test_an_unreadable_entry_is_skipped(entry):
    """A reason that is not a word and a quantity that is not a number never become an outcome."""
    result = read(entry, LOST)
    assert (result.losses, result.skipped) == ({ReportedLoss("replay", "cache_overflow"): 4}, 1)


def test_the_longest_word_and_the_largest_quantity_are_read():
    """The limits are 64 characters and a thousand million."""
    result = read({"reason": "x" * 64, "category": "replay", "quantity": BILLION})
    assert result.losses == {ReportedLoss("replay", "x" * 64): BILLION}


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"discarded_events":{}}', b"x", b""])
def test_a_report_needs_a_list(data):
    """Anything else is refused."""
    with pytest.raises(MalformedInput):
        client_report.read_client_report(data)


def test_the_size_of_a_report_is_limited():
    """100 KiB are read, one byte more is refused."""
    data = compact({"discarded_events": [LOST]})
    assert client_report.read_client_report(data.ljust(LIMITS.client_report_bytes)).losses
    with pytest.raises(OversizedInput, match="client report has 102401 bytes"):
        client_report.read_client_report(data.ljust(LIMITS.client_report_bytes + 1))


@pytest.mark.parametrize("family", samples.families())
def test_recorded_reports_are_read(family):
    """Every entry of every SDK is read."""
    for request in contents.requests(family):
        for item in contents.envelope_of(request).items:
            if item.type == "client_report":
                result = client_report.read_client_report(item.payload)
                assert result.losses
                assert result.skipped == 0


@SETTINGS
@given(
    st.one_of(
        st.binary(max_size=40),
        mutated([compact({"discarded_events": [LOST, LOST]})]),
        st.lists(JSON_VALUES, max_size=3).map(lambda all_: compact({"discarded_events": all_})),
        st.fixed_dictionaries(
            {"reason": JSON_VALUES, "category": JSON_VALUES, "quantity": JSON_VALUES}
        ).map(lambda record: compact({"discarded_events": [record]})),
    )
)
def test_any_bytes_are_losses_or_malformed(data):
    """No other error is raised, and every quantity is positive."""
    try:
        result = client_report.read_client_report(data)
    except MalformedInput:
        return
    assert all(quantity > 0 for quantity in result.losses.values())
