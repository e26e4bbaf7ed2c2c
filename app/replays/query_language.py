r"""Reads and writes the query of a list: what one types into the search field.

    device.model:"Pixel 9" (end:crashed OR count_errors:>2) !environment:staging Checkout*

    either  = all ("OR" all)*
    all     = part (["AND"] part)*
    part    = "!" part | "(" either ")" | term
    term    = [key ":" [">" | ">=" | "<" | "<="]] (value | "[" value ("," value)* "]")
    value   = word | '"' anything '"'          * stands for any text, \ takes the meaning away

What a key means is not known here.
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
_KEY: Final = re.compile(r"([A-Za-z_][\w.\-]*(?:\[[^\[\]\s:\"]+\])?):")
_OPERATORS: Final[tuple[Operator, ...]] = (">=", "<=", ">", "<")
_ENDS_WORD: Final = frozenset(' \t\n"()[],')
_ESCAPED: Final = frozenset('\\*"')


@dataclass(frozen=True, slots=True)
class TermValue:
    """What is looked for: the texts around each `*`; a single one is meant exactly."""

    pieces: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Whether there is no `*` in it."""
        return len(self.pieces) == 1

    @property
    def text(self) -> str:
        """The value as it was typed, without quotes."""
        return "*".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; without a key it is a word to be found anywhere."""

    key: str | None
    operator: Operator
    values: tuple[TermValue, ...]
    """Any of them will do; never empty, and only one with an operator other than `=`."""


@dataclass(frozen=True, slots=True)
class Negation:
    """The opposite of a part."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class Conjunction:
    """All parts must hold; without parts it holds for everything."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Disjunction:
    """One of the parts must hold."""

    parts: tuple["Expression", ...]


type Expression = Term | Negation | Conjunction | Disjunction


EVERYTHING: Final = Conjunction(())


def read_query(text: str) -> Conjunction:
    """Read a query; a blank one holds for everything.

    Raises:
        InvalidInput: It is longer, deeper or has more terms than allowed, or it makes no sense;
            the message says at which character.
    """
    if len(text) > LONGEST_CHARS:
        raise InvalidInput(f"the query has {len(text)} characters, {LONGEST_CHARS} are allowed")
    found = _Reader(text).read()
    if sum(1 for _ in list_terms(found)) > MOST_TERMS:
        raise InvalidInput(f"the query has more than {MOST_TERMS} terms")
    return found if isinstance(found, Conjunction) else Conjunction((found,))


def write_query(expression: Expression) -> str:
    """Write an expression so that `read_query` gives it back."""
    match expression:
        case Conjunction(parts):
            return " ".join(_write_part(part) for part in parts)
        case Disjunction(parts):
            return " OR ".join(_bracketed(part, Disjunction) for part in parts)
        case _:
            return _write_part(expression)


def exact_term(key: str, *values: str) -> Term:
    """Make the term that looks for exactly these values."""
    return Term(key, "=", tuple(TermValue((value,)) for value in values))


def list_terms(expression: Expression) -> Iterator[Term]:
    """Return all terms of an expression from left to right."""
    match expression:
        case Term():
            yield expression
        case Negation(part):
            yield from list_terms(part)
        case Conjunction(parts) | Disjunction(parts):
            for part in parts:
                yield from list_terms(part)


def remove_part(expression: Conjunction, part: Expression) -> Conjunction:
    """Leave one of the outermost parts out."""
    return Conjunction(tuple(other for other in expression.parts if other is not part))


def is_satisfied(expression: Expression, is_true: Callable[[Term], bool]) -> bool:
    """Tell whether an expression holds, given which of its terms do."""
    match expression:
        case Term():
            return is_true(expression)
        case Negation(part):
            return not is_satisfied(part, is_true)
        case Conjunction(parts):
            return all(is_satisfied(part, is_true) for part in parts)
        case Disjunction(parts):
            return any(is_satisfied(part, is_true) for part in parts)


class _Reader:
    """Walks over a query from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Expression:
        self._skip_blanks()
        if self._is_at_end():
            return Conjunction(())
        found = self._either(depth=0)
        if not self._is_at_end():
            raise InvalidInput(f"nothing opens the {self._here()!r} at character {self._at + 1}")
        return found

    def _either(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise InvalidInput(f"the query nests deeper than {DEEPEST} brackets")
        parts = [self._every(depth)]
        while self._take_word("OR"):
            parts.append(self._every(depth))
        return parts[0] if len(parts) == 1 else Disjunction(tuple(parts))

    def _every(self, depth: int) -> Expression:
        parts: list[Expression] = []
        while not self._is_at_end() and self._here() != ")" and not self._sees_word("OR"):
            if parts:
                self._take_word("AND")
            parts.append(self._part(depth))
            self._skip_blanks()
        if not parts:
            raise InvalidInput(f"something is missing at character {self._at + 1}")
        return parts[0] if len(parts) == 1 else Conjunction(tuple(parts))

    def _part(self, depth: int) -> Expression:
        if self._take("!"):
            if depth > DEEPEST:
                raise InvalidInput(f"the query nests deeper than {DEEPEST} brackets")
            return Negation(self._part(depth + 1))
        if self._here() != "(":
            return self._term()
        opened = self._at + 1
        self._at += 1
        self._skip_blanks()
        found = self._either(depth + 1)
        if not self._take(")"):
            raise InvalidInput(f"nothing closes the bracket at character {opened}")
        return found

    def _term(self) -> Term:
        keyed = _KEY.match(self._text, self._at)
        if keyed is None:
            return Term(None, "=", (self._value(),))
        self._at = keyed.end()
        operator: Operator = next((one for one in _OPERATORS if self._take(one)), "=")
        if operator != "=" or self._here() != "[":
            return Term(keyed[1], operator, (self._value(),))
        return Term(keyed[1], operator, self._list())

    def _list(self) -> tuple[TermValue, ...]:
        opened = self._at + 1
        self._at += 1
        values = []
        while True:
            self._skip_blanks()
            values.append(self._value())
            self._skip_blanks()
            if self._take("]"):
                return tuple(values)
            if not self._take(","):
                raise InvalidInput(f"nothing closes the list at character {opened}")

    def _value(self) -> TermValue:
        started = self._at
        is_quoted = self._take('"')
        pieces, piece = [], ""
        while not self._is_at_end():
            char = self._here()
            if char == '"' if is_quoted else char in _ENDS_WORD:
                break
            self._at += 1
            if char == "\\" and not self._is_at_end() and self._here() in _ESCAPED:
                piece += self._here()
                self._at += 1
            elif char == "*":
                pieces.append(piece)
                piece = ""
            else:
                piece += char
        if is_quoted and not self._take('"'):
            raise InvalidInput(f"nothing closes the quotation mark at character {started + 1}")
        if self._at == started:
            raise InvalidInput(f"a value is missing at character {started + 1}")
        return TermValue((*pieces, piece))

    def _take_word(self, word: str) -> bool:
        if not self._sees_word(word):
            return False
        self._at += len(word)
        self._skip_blanks()
        return True

    def _sees_word(self, word: str) -> bool:
        after = self._at + len(word)
        is_here = self._text.startswith(word, self._at)
        return is_here and (after == len(self._text) or self._text[after] in " \t\n(")

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _skip_blanks(self) -> None:
        while not self._is_at_end() and self._here().isspace():
            self._at += 1

    def _here(self) -> str:
        return self._text[self._at : self._at + 1]

    def _is_at_end(self) -> bool:
        return self._at >= len(self._text)


def _write_part(part: Expression) -> str:
    match part:
        case Negation(inner):
            return f"!{_write_part(inner)}"
        case Term():
            return _write_term(part)
        case _:
            return f"({write_query(part)})"


def _bracketed(part: Expression, kind: type[Disjunction]) -> str:
    """Write a part of a choice: one that is a choice itself needs brackets."""
    return f"({write_query(part)})" if isinstance(part, kind) else write_query(part)


def _write_term(one: Term) -> str:
    values = [_write_value(value) for value in one.values]
    if one.key is None:
        return values[0]
    operator = "" if one.operator == "=" else one.operator
    listed = values[0] if len(values) == 1 else f"[{', '.join(values)}]"
    return f"{one.key}:{operator}{listed}"


def _write_value(value: TermValue) -> str:
    text = "*".join(re.sub(r'([\\*"])', r"\\\1", piece) for piece in value.pieces)
    is_plain = text and not any(char in _ENDS_WORD or char.isspace() for char in value.text)
    # Quotes keep what would be read as a word of the language from being one.
    is_plain = is_plain and text[0] not in "!<>=" and ":" not in text and text not in {"OR", "AND"}
    return text if is_plain else f'"{text}"'
