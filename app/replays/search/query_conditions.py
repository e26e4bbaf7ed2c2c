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
from app.replays.screen_marks import SQL_NAME_START
from app.replays.search import query_language
from app.replays.search.query_language import (
    Conjunction,
    Disjunction,
    Expression,
    Negation,
    Operator,
    QueryTerm,
    TermValue,
)
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
    "mask.text": "mask_text",
    "mask.images": "mask_images",
}
"""Keys of the query, and the names of these facts in the column `facts`."""
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
"""Keys that columns decide; any other key is a tag, unless the caller knows better."""

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
    """Facts that every matching replay has, in the form in which an index finds them."""

    facts: dict[str, Any]
    user: dict[str, str]


def make_condition(term: QueryTerm, columns: Columns, *, now: datetime) -> ColumnElement[bool]:
    """Return the condition of a term; it is never null, so that its opposite holds elsewhere.

    Args:
        term: The term.
        columns: The columns of the replays table, or of a subquery of it.
        now: The moment that `started:-24h` counts from.

    Raises:
        InvalidInput: The key cannot have such a value.
    """
    any_value = or_(*(_match_term_value(term, value, columns, now) for value in term.values))
    return func.coalesce(any_value, false())


def make_superset_condition(
    expression: Expression,
    columns: Columns,
    *,
    now: datetime,
    is_decided_here: Callable[[QueryTerm], bool],
) -> ColumnElement[bool]:
    """Return a condition that holds wherever the expression may hold.

    Terms that are not decided here may go either way.
    """

    def walk(part: Expression, *, negated: bool) -> ColumnElement[bool]:
        match part:
            case QueryTerm():
                if not is_decided_here(part):
                    return true()
                condition = make_condition(part, columns, now=now)
                return not_(condition) if negated else condition
            case Negation(inner):
                return walk(inner, negated=not negated)
            case Conjunction(parts) | Disjunction(parts):
                conditions = [walk(inner, negated=negated) for inner in parts]
                all_must_hold = isinstance(part, Conjunction) != negated
                return and_(true(), *conditions) if all_must_hold else or_(false(), *conditions)

    return walk(expression, negated=False)


def find_exact_facts(
    expression: Conjunction, *, is_decided_here: Callable[[QueryTerm], bool]
) -> ExactFacts | None:
    """Gather the exact facts that the outermost parts ask for; None if they ask for none.

    Terms that are not decided here are left out: their keys must not be taken for tags.
    """
    facts: dict[str, Any] = {}
    user: dict[str, str] = {}
    for part in expression.parts:
        if not isinstance(part, QueryTerm) or part.key is None or part.operator != "=":
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


def tag_of(term: QueryTerm) -> str | None:
    """Return the tag that a term asks for; None for keys that mean something else."""
    if term.key is None or term.key in COLUMN_KEYS:
        return None
    bracketed = _TAG.fullmatch(term.key)
    return bracketed[1] if bracketed else term.key


def read_number(term: QueryTerm) -> int:
    """Read the number of a term such as `count_taps:>5`; numbers beyond every count are cut.

    Raises:
        InvalidInput: The term has no number.
    """
    (value,) = term.values if len(term.values) == 1 else (None,)
    if value is None or not value.is_exact or not _NUMBER.fullmatch(value.text):
        raise InvalidInput(f"`{term.key}` needs a number, such as `{term.key}:>5`")
    return min(int(value.text), _HIGHEST_COUNT)


def matches_value(text: str, value: TermValue) -> bool:
    """Tell whether a text is what a value asks for, by the rules of `make_condition`."""
    if value.is_exact:
        return text == value.text
    pattern = ".*".join(re.escape(piece) for piece in value.pieces)
    return re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL) is not None


def matches_number(term: QueryTerm, number: int) -> bool:
    """Tell whether a number is what a term asks for."""
    wanted = read_number(term)
    match term.operator:
        case "=":
            return number == wanted
        case ">":
            return number > wanted
        case ">=":
            return number >= wanted
        case "<":
            return number < wanted
        case "<=":
            return number <= wanted


def _match_term_value(
    term: QueryTerm, value: TermValue, columns: Columns, now: datetime
) -> ColumnElement[bool]:
    """Return the condition of one value of a term."""
    key = term.key
    if key is None:
        return _match_word(value, columns)
    if key in COUNT_KEYS:
        return _COMPARED[term.operator](columns[COUNT_KEYS[key]], read_number(term))
    if key == "count_screens":
        screens = func.coalesce(func.array_length(columns.screens, 1), 0)
        return _COMPARED[term.operator](screens, read_number(term))
    if key == "duration":
        length = columns.ended_at - columns.started_at
        return _COMPARED[term.operator](length, timedelta(seconds=_read_seconds(value, key)))
    if key == "started":
        return _match_start(term.operator, value, columns, now)
    if term.operator != "=":
        raise InvalidInput(f"`{key}` cannot be compared by `{term.operator}`")
    return _match_text_key(term, key, value, columns)


def _match_text_key(
    term: QueryTerm, key: str, value: TermValue, columns: Columns
) -> ColumnElement[bool]:
    """Return the condition of a key whose values are names."""
    if key in _NAMED_KEYS:
        return _NAMED_KEYS[key](value, columns)
    if key in USER_KEYS:
        return _match_json_member(columns.recorded_user, (USER_KEYS[key],), value)
    if key in FACT_KEYS:
        return _match_json_member(columns.facts, (FACT_KEYS[key],), value)
    return _match_json_member(columns.facts, ("tags", tag_of(term) or key), value)


def _match_json_member(
    document: ColumnElement[Any], path: Sequence[str], value: TermValue
) -> ColumnElement[bool]:
    """Compare a member of a JSON document; an absent one counts as empty."""
    member: ColumnElement[Any] = document[tuple(path)].astext
    if not value.is_exact:
        return member.ilike(_write_like_pattern(value), escape="\\")
    if not value.text:
        return func.coalesce(member, "") == ""
    nested: Any = value.text
    for name in reversed(path):
        nested = {name: nested}
    return document.contains(nested)


def _match_text(text: ColumnElement[Any], value: TermValue) -> ColumnElement[bool]:
    if value.is_exact:
        return func.coalesce(text, "") == value.text
    return text.ilike(_write_like_pattern(value), escape="\\")


def _write_like_pattern(value: TermValue) -> str:
    """Write a value for LIKE, with the signs escaped that LIKE gives a meaning."""
    return "%".join(re.sub(r"([\\%_])", r"\\\1", piece) for piece in value.pieces)


def _match_id(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    replay_id = ids.read_hex32(value.text)
    if replay_id is None:
        return false()
    is_it: ColumnElement[bool] = columns.replay_id == replay_id
    return is_it


def _match_screen(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    name = func.unnest(columns.screens).column_valued("visited")
    matches = _match_text(func.substr(name, SQL_NAME_START), value)
    return exists(select(1).where(matches))


def _match_trace(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    trace_id = ids.read_hex32(value.text)
    if trace_id is None:
        return false()
    return exists(
        select(1).where(
            replay_traces.c.project_id == columns.project_id,
            replay_traces.c.replay_id == columns.replay_id,
            replay_traces.c.trace_id == trace_id,
        )
    )


def _match_known_key(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    """Return the condition that a replay has a key: `has:user.email`, `has:video`."""
    key = value.text
    if key == "video":
        condition: ColumnElement[bool] = columns.video_segments > 0
    elif key == "screen":
        condition = func.array_length(columns.screens, 1) > 0
    else:
        condition = not_(
            _match_text_key(query_language.exact_term(key, ""), key, TermValue(("",)), columns)
        )
    return condition


_NAMED_KEYS: Final[dict[str, Callable[[TermValue, Columns], ColumnElement[bool]]]] = {
    "screen": _match_screen,
    "replay_type": lambda value, columns: _match_text(columns.replay_type, value),
    "id": _match_id,
    "trace": _match_trace,
    "has": _match_known_key,
}


def _match_word(value: TermValue, columns: Columns) -> ColumnElement[bool]:
    """Return the condition that a row of the list shows a word, or that it is the id."""
    anywhere = TermValue(("", *value.pieces, ""))
    names = [columns.facts[name].astext for name in _WORD_FACTS]
    names += [columns.recorded_user[name].astext for name in USER_KEYS.values()]
    names_text = func.concat_ws(" ", *names)
    return or_(
        _match_text(names_text, anywhere),
        _match_screen(anywhere, columns),
        _match_id(value, columns),
    )


def _match_start(
    operator: Operator, value: TermValue, columns: Columns, now: datetime
) -> ColumnElement[bool]:
    """Compare when a replay began: with a day, a moment (UTC), or an age."""
    if value.text.startswith("-"):
        age = timedelta(seconds=_read_seconds(TermValue((value.text[1:],)), "started"))
        return _COMPARED[operator](columns.started_at, now - age)
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


def _read_seconds(value: TermValue, key: str) -> float:
    length = _LENGTH.fullmatch(value.text) if value.is_exact else None
    seconds = float(length[1]) * _UNITS_S[length[2] or "s"] if length else _MOST_S
    if seconds >= _MOST_S:
        raise InvalidInput(f"`{key}` needs a length of time, such as `30s`, `5m` or `1h`")
    return seconds
