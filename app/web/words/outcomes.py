"""The outcomes of a project's items: the losses in words, then day by day."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from app.projects.model import Outcome, OutcomeCount
from app.web.words import phrases, reasons
from app.web.words.reasons import Reason

Tone = Literal["good", "warn", "bad", "none"]

_MOST_ROWS: Final = 500
"""Rows of the long table; the losses above it count all."""
_MOST_TYPES: Final = 6
_IN_ORDER: Final = (
    Outcome.KEPT,
    Outcome.DUPLICATE,
    Outcome.REFUSED,
    Outcome.LIMITED,
    Outcome.DROPPED_BY_SDK,
    Outcome.IGNORED,
    Outcome.DELETED,
)
_LOSSES: Final = _IN_ORDER[2:]
_WORDS: Final[dict[str, str]] = {Outcome.DROPPED_BY_SDK: "dropped by the SDK"}
"""Words for outcomes whose stored name is not plain English."""
_TONES: Final[dict[str, Tone]] = {
    Outcome.KEPT: "good",
    Outcome.REFUSED: "bad",
    Outcome.LIMITED: "warn",
    Outcome.DROPPED_BY_SDK: "warn",
}


@dataclass(frozen=True, slots=True)
class OutcomeLabel:
    """An outcome in words."""

    name: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Loss:
    """Items that were not kept, for one reason."""

    label: OutcomeLabel
    reason: str | None
    quantity: int
    item_types: str
    """`event: 12, span: 3`."""
    last_day: date
    words: Reason


@dataclass(frozen=True, slots=True)
class OutcomeDay:
    """One day (UTC): numbers in the order of the columns; 0 where nothing was."""

    day: date
    quantities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """The number of items of one kind with one outcome on one day."""

    day: date
    item_type: str
    label: OutcomeLabel
    reason: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class OutcomeSummary:
    """Everything that a project's page says about outcomes."""

    losses: tuple[Loss, ...]
    """The worst kind first, then by number."""
    columns: tuple[OutcomeLabel, ...]
    days: tuple[OutcomeDay, ...]
    rows: tuple[OutcomeRow, ...]
    hidden_rows: int


def summarize_outcomes(counts: Sequence[OutcomeCount]) -> OutcomeSummary:
    """Sum up outcomes; `counts` has the newest day first."""
    outcomes = {count.outcome for count in counts}
    columns = [outcome for outcome in _IN_ORDER if outcome in outcomes]
    return OutcomeSummary(
        losses=_losses(counts),
        columns=tuple(_label_outcome(outcome) for outcome in columns),
        days=_days(counts, columns),
        rows=tuple(
            OutcomeRow(
                count.day,
                count.item_type,
                _label_outcome(count.outcome),
                count.reason or None,
                count.quantity,
            )
            for count in counts[:_MOST_ROWS]
        ),
        hidden_rows=max(0, len(counts) - _MOST_ROWS),
    )


def _losses(counts: Sequence[OutcomeCount]) -> tuple[Loss, ...]:
    by_reason: defaultdict[tuple[str, str], list[OutcomeCount]] = defaultdict(list)
    for count in counts:
        if count.outcome in _LOSSES:
            by_reason[count.outcome, count.reason].append(count)
    losses = [
        (_LOSSES.index(Outcome(outcome)), _loss(outcome, reason, parts))
        for (outcome, reason), parts in by_reason.items()
    ]
    losses.sort(key=lambda each: (each[0], -each[1].quantity, each[1].reason or ""))
    return tuple(loss for _, loss in losses)


def _loss(outcome: str, reason: str, parts: Sequence[OutcomeCount]) -> Loss:
    types: Counter[str] = Counter()
    for count in parts:
        types[count.item_type] += count.quantity
    shown = [
        f"{phrases.shortened(name, limit=40)}: {number:,}"
        for name, number in types.most_common(_MOST_TYPES)
    ]
    if len(types) > _MOST_TYPES:
        shown.append(phrases.count(len(types) - _MOST_TYPES, "other type"))
    return Loss(
        label=_label_outcome(outcome),
        reason=reason or None,
        quantity=types.total(),
        item_types=", ".join(shown),
        last_day=max(count.day for count in parts),
        words=reasons.find_reason_words(outcome, reason),
    )


def _days(counts: Sequence[OutcomeCount], columns: Sequence[Outcome]) -> tuple[OutcomeDay, ...]:
    by_day: defaultdict[date, Counter[str]] = defaultdict(Counter)
    for count in counts:
        by_day[count.day][count.outcome] += count.quantity
    return tuple(
        OutcomeDay(day, tuple(by_day[day][outcome] for outcome in columns))
        for day in sorted(by_day, reverse=True)
    )


def _label_outcome(outcome: str) -> OutcomeLabel:
    return OutcomeLabel(_WORDS.get(outcome, outcome), _TONES.get(outcome, "none"))
