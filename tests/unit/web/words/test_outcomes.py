"""The project page's words on what arrived agree with the documentation and with the counts."""

import re
from datetime import date
from pathlib import Path

import pytest

from app.projects.model import LimitReason, Outcome, OutcomeCount
from app.web.words import reasons
from app.web.words.outcomes import summarize_outcomes

PAGE = (Path(__file__).parents[4] / "docs" / "outcomes.md").read_text(encoding="utf-8")
TODAY = date(2026, 11, 24)
YESTERDAY = date(2026, 11, 23)


def read_documented_reasons(outcome: str) -> set[str]:
    """Return the reasons of an outcome that docs/outcomes.md has a row for."""
    table = PAGE.partition(f"\nReasons of `{outcome}`")[2].partition("|---")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[1:]]
    return {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}


def make_count(
    outcome: str, reason: str = "", quantity: int = 1, **changes: object
) -> OutcomeCount:
    """Make a count of events of today."""
    values = {"day": TODAY, "item_type": "event", **changes}
    return OutcomeCount(outcome=outcome, reason=reason, quantity=quantity, **values)  # type: ignore[arg-type]  # as given


@pytest.mark.parametrize("outcome", [Outcome.LIMITED, Outcome.REFUSED, Outcome.DROPPED_BY_SDK])
def test_words_and_documentation_know_the_same_reasons(outcome):
    """Every documented reason has words on the page, and the other way round."""
    assert read_documented_reasons(outcome)
    assert set(reasons.KNOWN[outcome]) == read_documented_reasons(outcome)


@pytest.mark.parametrize("reason", list(LimitReason))
def test_every_limit_says_what_to_do(reason):
    """Each limit has words of its own."""
    assert reasons.find_reason_words(Outcome.LIMITED, reason).what_to_do


@pytest.mark.parametrize("outcome", [*Outcome, "of_a_later_release"])
def test_a_reason_nobody_knows_has_words_too(outcome):
    """SDKs and later releases have words of their own."""
    assert reasons.find_reason_words(outcome, "made_up").meaning


def test_losses_are_summed_up_by_reason():
    """Losses are summed over days and types, the refused first; kept items do not count."""
    summary = summarize_outcomes(
        [
            make_count("kept", quantity=1_000),
            make_count("limited", "byte_rate", 70),
            make_count("refused", "malformed", 2),
            make_count("refused", "too_large", 5, item_type="attachment"),
            make_count("refused", "too_large", 1_200, day=YESTERDAY),
        ]
    )
    assert [(loss.label.name, loss.reason, loss.quantity) for loss in summary.losses] == [
        ("refused", "too_large", 1_205),
        ("refused", "malformed", 2),
        ("limited", "byte_rate", 70),
    ]
    assert summary.losses[0].item_types == "event: 1,200, attachment: 5"
    assert summary.losses[0].last_day == TODAY


def test_many_types_are_shortened():
    """Made-up types do not fill the page."""
    counts = [make_count("ignored", "type", item_type=f"type{number}") for number in range(9)]
    assert summarize_outcomes(counts).losses[0].item_types.endswith(", 3 other types")


def test_days_have_a_column_for_every_outcome_that_occurs():
    """The newest day comes first, and a day without an outcome shows 0."""
    summary = summarize_outcomes(
        [
            make_count("kept", quantity=3),
            make_count("dropped_by_sdk", "sample_rate", 4),
            make_count("kept", quantity=2, day=YESTERDAY),
            make_count("kept", quantity=1, day=YESTERDAY, item_type="span"),
        ]
    )
    assert [label.name for label in summary.columns] == ["kept", "dropped by the SDK"]
    assert [(day_row.day, day_row.quantities) for day_row in summary.days] == [
        (TODAY, (3, 4)),
        (YESTERDAY, (3, 0)),
    ]


@pytest.mark.parametrize(("rows", "hidden"), [(500, 0), (501, 1)])
def test_the_long_table_is_bounded(rows, hidden):
    """Beyond 500 rows it says how many are not shown; sums count them all."""
    counts = [make_count("kept", item_type=f"type{number}") for number in range(rows)]
    summary = summarize_outcomes(counts)
    assert (len(summary.rows), summary.hidden_rows) == (min(rows, 500), hidden)
    assert summary.days[0].quantities == (rows,)
