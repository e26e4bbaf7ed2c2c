r"""Reads and writes the query of a list: the text of the search field.

    device.model:"Pixel 9" (end:crashed OR count_errors:>2) !environment:staging Checkout*

    choice    = sequence ("OR" sequence)*
    sequence  = part (["AND"] part)*
    part      = "!" part | "(" choice ")" | term
    term      = [key ":" [">" | ">=" | "<" | "<="]] (value | "[" value ("," value)* "]")
    value     = word | '"' anything '"'      `*` stands for any text; after `\` a sign means itself

What the keys mean is decided elsewhere: `query_conditions` and `playback/replay_search`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from app.core.errors import InvalidInput

Operator = Literal["=", ">", ">=", "<", "<="]

LONGEST_CHARS: Final = 1_000
MOST_TERMS: Final = 40
DEEPEST: Final = 10
"""Brackets and `!` inside one another."""
_KEY: Final = re.compile(r"([A-Za-z_][\w.\-]*(?:\[[^\[\]\s:\"]+\])?):")
_OPERATORS: Final[tuple[Operator, ...]] = (">=", "<=", ">", "<")
_WORD_ENDS: Final = frozenset(' \t\n"()[],')
_ESCAPABLE: Final = frozenset('\\*"')


@dataclass(frozen=True, slots=True)
class TermValue:
    """A value to search for: the texts around each `*`; a single one must match exactly."""

    pieces: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """True if the value has no `*`."""
        return len(self.pieces) == 1

    @property
    def text(self) -> str:
        """The value as it was typed, without quotes."""
        return "*".join(self.pieces)


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """One condition; without a key it is a word to be found anywhere."""

    key: str | None
    operator: Operator
    values: tuple[TermValue, ...]
    """Values of which one must match; never empty, and only one with an operator except `=`."""


@dataclass(frozen=True, slots=True)
class Negation:
    """A part that must not hold."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Parts that must all hold; without parts it holds for everything."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Disjunction:
    """Parts of which one must hold."""

    parts: tuple["Expression", ...]


type Expression = QueryTerm | Negation | Conjunction | Disjunction


EVERYTHING: Final = Conjunction(())


def read_query(text: str) -> Conjunction:
    """Read a query; a blank one holds for everything.

    Raises:
        InvalidInput: The query is longer, deeper or has more terms than allowed, or it makes no
            sense; the message names the character.
    """
    if len(text) > LONGEST_CHARS:
        raise InvalidInput(f"the query has {len(text)} characters, {LONGEST_CHARS} are allowed")
    expression = _QueryReader(text).read()
    if sum(1 for _ in list_terms(expression)) > MOST_TERMS:
        raise InvalidInput(f"the query has more than {MOST_TERMS} terms")
    return expression if isinstance(expression, Conjunction) else Conjunction((expression,))


def write_query(expression: Expression) -> str:
    """Write an expression so that `read_query` gives it back."""
    match expression:
        case Conjunction(parts):
            return " ".join(_write_part(part) for part in parts)
        case Disjunction(parts):
            return " OR ".join(_write_choice(part) for part in parts)
        case _:
            return _write_part(expression)


def exact_term(key: str, *values: str) -> QueryTerm:
    """Return the term that matches exactly these values."""
    return QueryTerm(key, "=", tuple(TermValue((value,)) for value in values))


def list_terms(expression: Expression) -> Iterator[QueryTerm]:
    """Return all terms of an expression from left to right."""
    match expression:
        case QueryTerm():
            yield expression
        case Negation(part):
            yield from list_terms(part)
        case Conjunction(parts) | Disjunction(parts):
            for part in parts:
                yield from list_terms(part)


def remove_part(expression: Conjunction, part: Expression) -> Conjunction:
    """Remove one of the outermost parts."""
    return Conjunction(tuple(other for other in expression.parts if other is not part))


def is_satisfied(expression: Expression, is_true: Callable[[QueryTerm], bool]) -> bool:
    """Tell whether an expression holds, given which of its terms do."""
    match expression:
        case QueryTerm():
            return is_true(expression)
        case Negation(part):
            return not is_satisfied(part, is_true)
        case Conjunction(parts):
            return all(is_satisfied(part, is_true) for part in parts)
        case Disjunction(parts):
            return any(is_satisfied(part, is_true) for part in parts)


class _QueryReader:
    """Reads a query from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Expression:
        self._skip_blanks()
        if self._is_at_end():
            return Conjunction(())
        expression = self._read_choice(depth=0)
        if not self._is_at_end():
            place = self._at + 1
            raise InvalidInput(f"the {self._peek()!r} at character {place} was never opened")
        return expression

    def _read_choice(self, depth: int) -> Expression:
        _check_depth(depth)
        parts = [self._read_sequence(depth)]
        while self._take_word("OR"):
            parts.append(self._read_sequence(depth))
        return parts[0] if len(parts) == 1 else Disjunction(tuple(parts))

    def _read_sequence(self, depth: int) -> Expression:
        parts: list[Expression] = []
        while not self._is_at_end() and self._peek() != ")" and not self._is_at_word("OR"):
            if parts:
                self._take_word("AND")
            parts.append(self._read_part(depth))
            self._skip_blanks()
        if not parts:
            raise InvalidInput(f"a condition is missing at character {self._at + 1}")
        return parts[0] if len(parts) == 1 else Conjunction(tuple(parts))

    def _read_part(self, depth: int) -> Expression:
        if self._take("!"):
            _check_depth(depth)
            return Negation(self._read_part(depth + 1))
        if self._peek() != "(":
            return self._read_term()
        opened = self._at + 1
        self._at += 1
        self._skip_blanks()
        expression = self._read_choice(depth + 1)
        if not self._take(")"):
            raise InvalidInput(f"the bracket at character {opened} is never closed")
        return expression

    def _read_term(self) -> QueryTerm:
        key = _KEY.match(self._text, self._at)
        if key is None:
            return QueryTerm(None, "=", (self._read_value(),))
        self._at = key.end()
        operator: Operator = next((sign for sign in _OPERATORS if self._take(sign)), "=")
        if operator != "=" or self._peek() != "[":
            return QueryTerm(key[1], operator, (self._read_value(),))
        return QueryTerm(key[1], operator, self._read_list())

    def _read_list(self) -> tuple[TermValue, ...]:
        opened = self._at + 1
        self._at += 1
        values = []
        while True:
            self._skip_blanks()
            values.append(self._read_value())
            self._skip_blanks()
            if self._take("]"):
                return tuple(values)
            if not self._take(","):
                raise InvalidInput(f"the list at character {opened} is never closed")

    def _read_value(self) -> TermValue:
        started = self._at
        is_quoted = self._take('"')
        pieces, piece = [], ""
        while not self._is_at_end():
            char = self._peek()
            if char == '"' if is_quoted else char in _WORD_ENDS:
                break
            self._at += 1
            if char == "\\" and not self._is_at_end() and self._peek() in _ESCAPABLE:
                piece += self._peek()
                self._at += 1
            elif char == "*":
                pieces.append(piece)
                piece = ""
            else:
                piece += char
        if is_quoted and not self._take('"'):
            raise InvalidInput(f"the quotation mark at character {started + 1} is never closed")
        if self._at == started:
            raise InvalidInput(f"a value is missing at character {started + 1}")
        return TermValue((*pieces, piece))

    def _take_word(self, word: str) -> bool:
        if not self._is_at_word(word):
            return False
        self._at += len(word)
        self._skip_blanks()
        return True

    def _is_at_word(self, word: str) -> bool:
        after = self._at + len(word)
        is_here = self._text.startswith(word, self._at)
        return is_here and (after == len(self._text) or self._text[after] in " \t\n(")

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _skip_blanks(self) -> None:
        while not self._is_at_end() and self._peek().isspace():
            self._at += 1

    def _peek(self) -> str:
        """Return the next character; empty at the end."""
        return self._text[self._at : self._at + 1]

    def _is_at_end(self) -> bool:
        return self._at >= len(self._text)


def _check_depth(depth: int) -> None:
    """Make sure that a query does not exhaust the stack.

    Raises:
        InvalidInput: It nests too deeply.
    """
    if depth > DEEPEST:
        raise InvalidInput(f"the query nests deeper than {DEEPEST} brackets")


def _write_part(part: Expression) -> str:
    match part:
        case Negation(inner):
            return f"!{_write_part(inner)}"
        case QueryTerm():
            return _write_term(part)
        case _:
            return f"({write_query(part)})"


def _write_choice(part: Expression) -> str:
    """Write a part of a choice; one that is a choice itself needs brackets."""
    return f"({write_query(part)})" if isinstance(part, Disjunction) else write_query(part)


def _write_term(term: QueryTerm) -> str:
    values = [_write_value(value) for value in term.values]
    if term.key is None:
        return values[0]
    operator = "" if term.operator == "=" else term.operator
    value_text = values[0] if len(values) == 1 else f"[{', '.join(values)}]"
    return f"{term.key}:{operator}{value_text}"


def _write_value(value: TermValue) -> str:
    text = "*".join(re.sub(r'([\\*"])', r"\\\1", piece) for piece in value.pieces)
    is_plain = text and not any(char in _WORD_ENDS or char.isspace() for char in value.text)
    # Quotes keep text from being read as a word or sign of the language.
    is_plain = is_plain and text[0] not in "!<>=" and ":" not in text and text not in {"OR", "AND"}
    return text if is_plain else f'"{text}"'
