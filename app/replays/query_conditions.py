"""Terms of the list's query as conditions on replays.

A key that is not in `COLUMN_KEYS` is a tag of the app. Names are compared letter by letter, so that
an index can find them. With a `*`, and in bare words, upper and lower case are the same.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select, true
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from app.core import ids
from app.core.errors import InvalidInput
from app.replays import query_language
from app.replays.query_language import (
    Conjunction,
    Disjunction,
    Expression,
    Negation,
    Operator,
    Term,
    TermValue,
)
from app.replays.screen_marks import SQL_NAME_START
from app.replays.tables import replay_traces

Columns = ReadOnlyColumnCollection[str, Any]

FACT_KEYS: Final = {
    "device.model": "device_model",
    "device.name": "device_name",
    "device.brand": "device_brand",
    "device.family": "device_family",
    "os.name": "os_name",
    "os.version": "os_version",
    "release": "release",
    "environment": "environment",
    "dist": "dist",
    "app.name": "app_name",
    "app.id": "app_id",
    "app.version": "app_version",
    "app.build": "app_build",
    "platform": "platform",
    "sdk.name": "sdk_name",
    "sdk.version": "sdk_version",
}
"""Keys of the query, and where the facts of a replay hold them."""
USER_KEYS: Final = {
    "user.id": "id",
    "user.email": "email",
    "user.username": "username",
    "user.name": "name",
    "user.ip": "ip_address",
}
COUNT_KEYS: Final = {
    "count_segments": "segments",
    "count_taps": "taps",
    "count_rage": "rage_taps",
    "count_requests": "network_requests",
    "count_failed_requests": "network_failures",
    "count_failures": "network_failures",
    "count_frames": "frames",
    "size": "video_bytes",
}
COLUMN_KEYS: Final = (
    *USER_KEYS, *FACT_KEYS, *COUNT_KEYS,
    "replay_type", "duration", "started", "screen", "trace", "id", "count_screens", "has",
)  # fmt: skip
"""Every key that is decided here; the rest are tags, or decided by whoever asks."""

_TAG: Final = re.compile(r"tags\[(.+)\]")
_LENGTH: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|min|h|d|w)?")
_UNITS_S: Final = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MOST_S: Final = 100 * 365 * 86_400.0
_NUMBER: Final = re.compile(r"\d{1,15}")
_HIGHEST_COUNT: Final = 2**31 - 1
"""The highest number of an integer column."""
_WORD_FACTS: Final = (
    "device_brand", "device_model", "os_name", "release", "app_name", "app_version",
)  # fmt: skip

_COMPARED: Final[dict[Operator, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "=": lambda left, right: left == right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
}


@dataclass(frozen=True, slots=True)
class ExactFacts:
    """What every replay that is looked for holds, in a form that an index finds."""

    facts: dict[str, Any]
    user: dict[str, str]


def make_condition(term: Term, columns: Columns, *, now: datetime) -> ColumnElement[bool]:
    """Return the condition of a term; it is never unknown, so that its opposite holds elsewhere.

    Args:
        term: The term.
        columns: Those of the replays table, or of a part of it.
        now: What `started:-24h` counts from.

    Raises:
        InvalidInput: The value is none that the key can have.
    """
    either = or_(*(_one(term, value, columns, now) for value in term.values))
    return func.coalesce(either, false())


def make_superset_condition(
    expression: Expression,
    columns: Columns,
    *,
    now: datetime,
    is_decided_here: Callable[[Term], bool],
) -> ColumnElement[bool]:
    """Return a condition that holds wherever the expression may hold.

    Terms that are not decided here may go either way.
    """

    def walk(part: Expression, *, negated: bool) -> ColumnElement[bool]:
        match part:
            case Term():
                if not is_decided_here(part):
                    return true()
                found = make_condition(part, columns, now=now)
                return not_(found) if negated else found
            case Negation(inner):
                return walk(inner, negated=not negated)
            case Conjunction(parts) | Disjunction(parts):
                walked = [walk(one, negated=negated) for one in parts]
                joined = isinstance(part, Conjunction) != negated
                return and_(true(), *walked) if joined else or_(false(), *walked)

    return walk(expression, negated=False)


def find_exact_facts(
    expression: Conjunction, *, is_decided_here: Callable[[Term], bool]
) -> ExactFacts | None:
    """Gather the exact facts that all of the outermost parts ask for; None if there are none.

    Terms that are not decided here have no facts: their keys must not be taken for tags.
    """
    facts: dict[str, Any] = {}
    user: dict[str, str] = {}
    for part in expression.parts:
        if not isinstance(part, Term) or part.key is None or part.operator != "=":
            continue
        if not is_decided_here(part):
            continue
        (value,) = part.values if len(part.values) == 1 else (None,)
        if value is None or not value.is_exact or not value.text:
            continue
        if part.key in USER_KEYS:
            user.setdefault(USER_KEYS[part.key], value.text)
        elif part.key in FACT_KEYS:
            facts.setdefault(FACT_KEYS[part.key], value.text)
        elif (tag := tag_of(part)) is not None:
            facts.setdefault("tags", {}).setdefault(tag, value.text)
    return ExactFacts(facts, user) if facts or user else None


def tag_of(term: Term) -> str | None:
    """Return the tag that a term asks for; None for keys that mean something else."""
    if term.key is None or term.key in COLUMN_KEYS:
        return None
    found = _TAG.fullmatch(term.key)
    return found[1] if found else term.key


def read_number(term: Term) -> int:
    """Read the number of a term such as `count_taps:>5`; one above every count is the highest.

    Raises:
        InvalidInput: It is none.
    """
    (value,) = term.values if len(term.values) == 1 else (None,)
    if value is None or not value.is_exact or not _NUMBER.fullmatch(value.text):
        raise InvalidInput(f"`{term.key}` needs a number, such as `{term.key}:>5`")
    return min(int(value.text), _HIGHEST_COUNT)


def matches_value(found: str, value: TermValue) -> bool:
    """Tell whether a text is what a value asks for, as `make_condition` would."""
    if value.is_exact:
        return found == value.text
    pattern = ".*".join(re.escape(piece) for piece in value.pieces)
    return re.fullmatch(pattern, found, re.IGNORECASE | re.DOTALL) is not None


def matches_number(term: Term, found: int) -> bool:
    """Tell whether a number is what a term asks for."""
    wanted = read_number(term)
    match term.operator:
        case "=":
            return found == wanted
        case ">":
            return found > wanted
        case ">=":
            return found >= wanted
        case "<":
            return found < wanted
        case "<=":
            return found <= wanted


def _one(term: Term, value: TermValue, columns: Columns, now: datetime) -> ColumnElement[bool]:
    """Return the condition of one value of a term."""
    key = term.key
    if key is None:
        return _word(value, columns)
    if key in COUNT_KEYS:
        return _COMPARED[term.operator](columns[COUNT_KEYS[key]], read_number(term))
    if key == "count_screens":
        screens = func.coalesce(func.array_length(columns.screens, 1), 0)
        return _COMPARED[term.operator](screens, read_number(term))
    if key == "duration":
        length = columns.ended_at - columns.started_at
        return _COMPARED[term.operator](length, timedelta(seconds=_seconds(value, key)))
    if key == "started":
        return _started(term.operator, value, columns, now)
    if term.operator != "=":
        raise InvalidInput(f"`{key}` cannot be compared by `{term.operator}`")
    return _text(term, key, value, columns)


def _text(term: Term, key: str, value: TermValue, columns: Columns) -> ColumnElement[bool]:
    """Return the condition of a key whose values are names."""
    if key in _NAMED:
        return _NAMED[key](value, columns)
    if key in USER_KEYS:
        return _member(columns.recorded_user, (USER_KEYS[key],), value)
    if key in FACT_KEYS:
        return _member(columns.facts, (FACT_KEYS[key],), value)
    return _member(columns.facts, ("tags", tag_of(term) or key), value)


def _member(
    document: ColumnElement[Any], path: Sequence[str], value: TermValue
) -> ColumnElement[bool]:
    """Compare a member of a JSON document; an absent one is as an empty one."""
    found: ColumnElement[Any] = document[tuple(path)].astext
    if not value.is_exact:
        return found.ilike(_pattern(value), escape="\\")
    if not value.text:
        return func.coalesce(found, "") == ""
    wanted: Any = value.text
    for name in reversed(path):
        wanted = {name: wanted}
    return document.contains(wanted)


def _like(found: ColumnElement[Any], value: TermValue) -> ColumnElement[bool]:
    if value.is_exact:
        return func.coalesce(found, "") == value.text
    return found.ilike(_pattern(value), escape="\\")


def _pattern(value: TermValue) -> str:
    """Write a value for LIKE, its own signs made harmless."""
    return "%".join(re.sub(r"([\\%_])", r"\\\1", piece) for piece in value.pieces)


def _id(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    wanted = ids.read_hex32(value.text)
    if wanted is None:
        return false()
    found: ColumnElement[bool] = columns.replay_id == wanted
    return found


def _screen(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    name = func.unnest(columns.screens).column_valued("visited")
    matches = _like(func.substr(name, SQL_NAME_START), value)
    return exists(select(1).where(matches))


def _trace(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    wanted = ids.read_hex32(value.text)
    if wanted is None:
        return false()
    return exists(
        select(1).where(
            replay_traces.c.project_id == columns.project_id,
            replay_traces.c.replay_id == columns.replay_id,
            replay_traces.c.trace_id == wanted,
        )
    )


def _has(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    """Tell whether a replay has anything under a key: `has:user.email`, `has:video`."""
    key = value.text
    if key == "video":
        found: ColumnElement[bool] = columns.video_segments > 0
    elif key == "screen":
        found = func.array_length(columns.screens, 1) > 0
    else:
        found = not_(_text(query_language.exact_term(key, ""), key, TermValue(("",)), columns))
    return found


_NAMED: Final[dict[str, Callable[[TermValue, Columns], ColumnElement[bool]]]] = {
    "screen": _screen,
    "replay_type": lambda value, columns: _like(columns.replay_type, value),
    "id": _id,
    "trace": _trace,
    "has": _has,
}


def _word(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    """Look for a bare word in the names that a row of the list shows, and in the id."""
    anywhere = TermValue(("", *value.pieces, ""))
    names = [columns.facts[name].astext for name in _WORD_FACTS]
    names += [columns.recorded_user[name].astext for name in USER_KEYS.values()]
    shown = func.concat_ws(" ", *names)
    return or_(_like(shown, anywhere), _screen(anywhere, columns), _id(value, columns))


def _started(
    operator: Operator, value: TermValue, columns: Columns, now: datetime
) -> ColumnElement[bool]:
    """Compare when a replay began: with a day, a moment (UTC), or some time ago."""
    if value.text.startswith("-"):
        ago = timedelta(seconds=_seconds(TermValue((value.text[1:],)), "started"))
        return _COMPARED[operator](columns.started_at, now - ago)
    try:
        begins = datetime.fromisoformat(value.text)
    except ValueError as error:
        raise InvalidInput(
            "`started` needs a date, a time or an age: `started:2026-11-24`, `started:>-24h`"
        ) from error
    begins = begins if begins.tzinfo else begins.replace(tzinfo=UTC)
    is_day = len(value.text) == len("2026-11-24")
    ends = begins + timedelta(days=1) if is_day else begins
    if operator == "=":
        return and_(columns.started_at >= begins, columns.started_at < ends)
    return _COMPARED[operator](columns.started_at, ends if operator in {">", "<="} else begins)


def _seconds(value: TermValue, key: str) -> float:
    found = _LENGTH.fullmatch(value.text) if value.is_exact else None
    seconds = float(found[1]) * _UNITS_S[found[2] or "s"] if found else _MOST_S
    if seconds >= _MOST_S:
        raise InvalidInput(f"`{key}` needs a length of time, such as `30s`, `5m` or `1h`")
    return seconds
