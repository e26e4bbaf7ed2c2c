"""Finds the functions of a script and the names by which it defines them.

    function pay(){}   pay=function(){}   pay=()=>1   {pay(){}}   {pay:()=>1}   class Cart{pay(){}}
    Cart.prototype.pay=function(){}       {key:"pay",value:function(){}}, as Babel writes methods

A name is a path of identifiers with their places, since a source map has the clear form of each.
"""

from dataclasses import dataclass, field
from typing import Final

from app.formats.debug_files.scripts.tokens import ScriptTokens

_NO_METHODS: Final = frozenset({"if", "for", "while", "switch", "with", "catch", "await"})
"""Keywords that stand before parentheses and a block."""
_NO_PART: Final = frozenset(
    {"this", "prototype", "exports", "module", "window", "self", "globalThis"}
)
_LONGEST_PATH: Final = 3
_OPENING: Final = "([{"
_CLOSING: Final = ")]}"


@dataclass(frozen=True, slots=True)
class NamePart:
    """An identifier in the name of a function."""

    text: str
    start: int
    """Its offset in the script."""


@dataclass(frozen=True, slots=True)
class FunctionStart:
    """A place from which on another function lies around the code, or none."""

    start: int
    """Offset in the script."""
    name: tuple[NamePart, ...] | None
    """Empty for a function without a name; None outside of all functions."""


@dataclass(slots=True)
class _Scope:
    """A function or a class that is open."""

    depth: int
    """Number of open brackets around its code, its own brace included."""
    name: tuple[NamePart, ...]
    is_class: bool = False
    is_expression: bool = False
    """True if it is an arrow whose body is an expression."""
    conditions: int = 0
    """Open `?` in the expression, whose `:` do not end it."""


@dataclass(slots=True)
class _FunctionFinder:
    tokens: ScriptTokens
    scopes: list[_Scope] = field(default_factory=list)
    depth: int = 0
    class_depths: dict[int, tuple[NamePart, ...]] = field(default_factory=dict)
    """Classes whose braces have not come yet, by the number of open brackets around them."""
    starts: list[FunctionStart] = field(default_factory=list)


def find_functions(tokens: ScriptTokens) -> list[FunctionStart]:
    """Find where functions begin and end.

    Returns:
        Places in ascending order; where a function ends, that of the function around it follows.
    """
    finder = _FunctionFinder(tokens)
    for number, text in enumerate(tokens.texts):
        _pass_token(finder, number, text)
    return finder.starts


def _pass_token(finder: _FunctionFinder, number: int, text: str) -> None:
    if text == "{":
        _open_brace(finder, number)
    elif text in _OPENING:
        finder.depth += 1
    elif text in _CLOSING:
        _close_bracket(finder, number)
    elif text in {",", ";"}:
        _end_expressions(finder, number)
    elif text == "=>":
        _pass_arrow(finder, number)
    elif text == "class":
        _pass_class(finder, number)
    elif text in {"?", ":"}:
        _pass_condition(finder, number, text)


def _open_brace(finder: _FunctionFinder, number: int) -> None:
    texts = finder.tokens.texts
    finder.depth += 1
    if number and texts[number - 1] == "=>":
        return  # the arrow has opened its scope
    class_name = finder.class_depths.pop(finder.depth - 1, None)
    if class_name is not None:
        finder.scopes.append(_Scope(finder.depth, class_name, is_class=True))
    elif number and texts[number - 1] == ")":
        opening = finder.tokens.partners[number - 1]
        name = _name_function(finder, opening)
        if name is not None:
            _begin_function(finder, number, _Scope(finder.depth, name))


def _close_bracket(finder: _FunctionFinder, number: int) -> None:
    _end_expressions(finder, number)
    if finder.scopes and finder.scopes[-1].depth == finder.depth:
        scope = finder.scopes.pop()
        if not scope.is_class:
            _end_function(finder, finder.tokens.starts[number] + 1)
    finder.class_depths.pop(finder.depth, None)
    finder.depth -= 1


def _end_expressions(finder: _FunctionFinder, number: int) -> None:
    """End the arrows without braces that a comma, a semicolon or a bracket ends."""
    while _find_expression(finder) is not None:
        finder.scopes.pop()
        _end_function(finder, finder.tokens.starts[number])


def _begin_function(finder: _FunctionFinder, number: int, scope: _Scope) -> None:
    finder.scopes.append(scope)
    finder.starts.append(FunctionStart(finder.tokens.starts[number], scope.name))


def _end_function(finder: _FunctionFinder, start: int) -> None:
    around = next((scope.name for scope in reversed(finder.scopes) if not scope.is_class), None)
    finder.starts.append(FunctionStart(start, around))


def _pass_arrow(finder: _FunctionFinder, number: int) -> None:
    tokens = finder.tokens
    parameters = tokens.partners.get(number - 1, number - 1)
    name = _name_value(finder, parameters)
    has_braces = number + 1 < len(tokens.texts) and tokens.texts[number + 1] == "{"
    depth = finder.depth + 1 if has_braces else finder.depth
    _begin_function(finder, number, _Scope(depth, name, is_expression=not has_braces))


def _pass_condition(finder: _FunctionFinder, number: int, text: str) -> None:
    """Count the conditions in an arrow without braces; a `:` that belongs to none ends it."""
    while (scope := _find_expression(finder)) is not None:
        if text == "?":
            scope.conditions += 1
            return
        if scope.conditions:
            scope.conditions -= 1
            return
        finder.scopes.pop()
        _end_function(finder, finder.tokens.starts[number])


def _find_expression(finder: _FunctionFinder) -> _Scope | None:
    """Return the arrow without braces in which the last token lies directly, or None."""
    scope = finder.scopes[-1] if finder.scopes else None
    return scope if scope and scope.is_expression and scope.depth == finder.depth else None


def _pass_class(finder: _FunctionFinder, number: int) -> None:
    texts = finder.tokens.texts
    after = texts[number + 1] if number + 1 < len(texts) else ""
    if _text_at(texts, number - 1) == "." or not (_is_name(after) or after == "{"):
        return  # a property of this name
    if after in {"{", "extends"}:
        finder.class_depths[finder.depth] = _name_value(finder, number)
    else:
        finder.class_depths[finder.depth] = (_make_part(finder, number + 1),)


def _name_function(finder: _FunctionFinder, opening: int) -> tuple[NamePart, ...] | None:
    """Name the function whose parameters begin at a bracket; None for a statement such as `if`."""
    texts = finder.tokens.texts
    before = opening - 2 if _text_at(texts, opening - 1) == "*" else opening - 1
    word = _text_at(texts, before)
    if word == "function":
        return _name_value(finder, before)
    if _text_at(texts, before - 1) == "function" or (
        _text_at(texts, before - 1) == "*" and _text_at(texts, before - 2) == "function"
    ):
        return (_make_part(finder, before),)
    class_name = _find_class(finder, finder.depth - 1)
    if word in _NO_METHODS and class_name is None:
        return None
    if _is_name(word) or word[:1] in {'"', "'"}:
        return (*(class_name or ()), _make_part(finder, before))
    return () if word == "]" else None


def _name_value(finder: _FunctionFinder, number: int) -> tuple[NamePart, ...]:
    """Name a function or a class by what it is assigned to, or by the key of an object.

    Args:
        finder: The finder with the tokens.
        number: The number of the first token of the function.
    """
    texts = finder.tokens.texts
    if _text_at(texts, number - 1) == "async":
        number -= 1
    while _text_at(texts, number - 1) == "(" and _text_at(texts, number - 2) in {"=", ":"}:
        number -= 1
    if _text_at(texts, number - 1) == "(":
        number = _find_callee(finder, number - 1)
    before = _text_at(texts, number - 1)
    if before == "=":
        path = _read_path(finder, number - 2)
        return (*(_find_class(finder, finder.depth) or ()), *path) if path else ()
    if before == ":" and _text_at(texts, number - 3) in {"{", ","}:
        return _read_key(finder, number - 2)
    return ()


def _find_callee(finder: _FunctionFinder, opening: int) -> int:
    """Return the number of the first token of what is called with a function at a bracket.

    `onPay = useCallback(() => …)` names the function as an assignment does; `first = items.find(…)`
    does not, so methods are left out.
    """
    tokens = finder.tokens
    number = opening - 1
    if _text_at(tokens.texts, number) == ")":  # (0, react.useCallback)(…)
        return tokens.partners[number]
    return number if _is_name(_text_at(tokens.texts, number)) else opening


def _read_path(finder: _FunctionFinder, number: int) -> tuple[NamePart, ...]:
    """Read what is assigned to, such as `Cart.prototype.pay`, from its last token back."""
    texts = finder.tokens.texts
    parts: list[NamePart] = []
    while _is_name(_text_at(texts, number)) and len(parts) < _LONGEST_PATH:
        parts.append(_make_part(finder, number))
        if _text_at(texts, number - 1) != ".":
            break
        number -= 2
    return tuple(part for part in reversed(parts) if part.text not in _NO_PART)


def _read_key(finder: _FunctionFinder, number: int) -> tuple[NamePart, ...]:
    """Read the key of an object; of `{key: "pay", value: function}` it is `pay`."""
    texts = finder.tokens.texts
    if (
        _text_at(texts, number) == "value"
        and _text_at(texts, number - 4) == "key"
        and _text_at(texts, number - 2)[:1] in {'"', "'"}
    ):
        number -= 2
    word = _text_at(texts, number)
    return (_make_part(finder, number),) if _is_name(word) or word[:1] in {'"', "'"} else ()


def _find_class(finder: _FunctionFinder, depth: int) -> tuple[NamePart, ...] | None:
    """Return the name of the class whose body a token lies in directly, or None."""
    scope = finder.scopes[-1] if finder.scopes else None
    return scope.name if scope and scope.is_class and scope.depth == depth else None


def _make_part(finder: _FunctionFinder, number: int) -> NamePart:
    text, start = finder.tokens.texts[number], finder.tokens.starts[number]
    return NamePart(text[1:-1], start + 1) if text[0] in "\"'" else NamePart(text, start)


def _is_name(text: str) -> bool:
    return text[:1].isalpha() or text[:1] in {"_", "$", "#"}


def _text_at(texts: list[str], number: int) -> str:
    return texts[number] if number >= 0 else ""
