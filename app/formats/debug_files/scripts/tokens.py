"""Cuts JavaScript into tokens, as far as is needed to find its functions.

It knows strings, templates, comments and regular expressions, within which brackets mean nothing,
and finds the partner of each bracket. It does not check the syntax: the browser did.

Source: ECMA-262, section 12.
"""

import re
from array import array
from dataclasses import dataclass, field
from typing import Final

from app.core.errors import MalformedInput

_TOKEN: Final = re.compile(
    r"""(?:\s++|//[^\n]*+|/\*.*?\*/|<!--[^\n]*+)*+      # spaces and comments
    (?:
      ([\w$\#@\\]++)                                    # a name, a keyword or a number
    | ("(?:[^"\\\n]|\\.)*+" | '(?:[^'\\\n]|\\.)*+')     # a string
    | (=>|===?|!==?|<=|>=|\?\?|\?\.(?!\d)|[^\w\s])      # anything else
    )""",
    re.VERBOSE | re.DOTALL,
)
_REGULAR_EXPRESSION: Final = re.compile(
    r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*+\])++/\w*+", re.DOTALL
)
_TEMPLATE_TEXT: Final = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*+(`|\$\{)", re.DOTALL)
TEMPLATE: Final = "`"
"""The token that stands for the text of a template, or for each part of it."""
_PATTERN: Final = "/x/"
"""The token that stands for a regular expression."""
_OPENING: Final = frozenset("([{")
_CLOSED_BY: Final = {")": "(", "]": "[", "}": "{"}
_BEFORE_BLOCK: Final = frozenset({"if", "while", "for", "with"})
"""Keywords whose parentheses are followed by a statement."""
_BEFORE_OPERAND: Final = frozenset(
    {
        "return", "typeof", "case", "in", "of", "instanceof", "new", "delete", "void", "throw",
        "do", "else", "await", "yield",
    }
)  # fmt: skip
_BEFORE_STATEMENT: Final = frozenset({")", ";", "{", "}", "else", "do", "try", "finally", "=>"})
_MOST_TOKENS: Final = 4_000_000


@dataclass(slots=True)
class ScriptTokens:
    """The tokens of a script."""

    texts: list[str] = field(default_factory=list)
    starts: "array[int]" = field(default_factory=lambda: array("I"))
    """The offset of each token in the script."""
    partners: dict[int, int] = field(default_factory=dict)
    """The number of the opening bracket for the number of each closing one."""
    _open: list[int] = field(default_factory=list)
    """The numbers of the brackets that are open."""
    _templates: set[int] = field(default_factory=set)
    """Those among them that are the `${` of a template."""

    def add(self, text: str, start: int) -> bool:
        """Add a token.

        Returns:
            True if it is a bracket that ends code within a template, so that text follows.

        Raises:
            MalformedInput: It is a closing bracket without its partner.
        """
        number = len(self.texts)
        self.texts.append(text)
        self.starts.append(start)
        if text in _OPENING:
            self._open.append(number)
        elif text in _CLOSED_BY:
            opening = self._open.pop() if self._open else None
            if opening is None or self.texts[opening] != _CLOSED_BY[text]:
                raise MalformedInput(f"a bracket at character {start} of the script has no partner")
            self.partners[number] = opening
            return opening in self._templates
        return False

    def open_template(self, start: int) -> None:
        """Add the bracket of a `${`."""
        self._templates.add(len(self.texts))
        self.add("{", start)

    @property
    def is_open(self) -> bool:
        """True if a bracket is open."""
        return bool(self._open)


def split_script(text: str) -> ScriptTokens:
    """Cut a script into tokens.

    Raises:
        MalformedInput: Brackets do not match, or a template does not end: it is no JavaScript, or
            something in it was not understood.
    """
    tokens = ScriptTokens()
    at = 0
    while match := _TOKEN.match(text, at):
        at = match.end()
        word = match[match.lastindex or 0]
        start = at - len(word)
        if word == "/" and _is_operand_next(tokens):
            expression = _REGULAR_EXPRESSION.match(text, start)
            if expression is not None:
                word, at = _PATTERN, expression.end()
        is_template = tokens.add(word, start) or word == TEMPLATE
        if is_template:
            at = _pass_template_text(tokens, text, at)
        if len(tokens.texts) > _MOST_TOKENS:
            raise MalformedInput(f"the script has more than {_MOST_TOKENS} tokens")
    if tokens.is_open:
        raise MalformedInput("a bracket of the script is not closed")
    return tokens


def _pass_template_text(tokens: ScriptTokens, text: str, at: int) -> int:
    """Pass the text of a template up to its end or to code in it; returns where the next begins."""
    part = _TEMPLATE_TEXT.match(text, at)
    if part is None:
        raise MalformedInput(f"the template at character {at} of the script has no end")
    if part[1] == TEMPLATE:
        tokens.add(TEMPLATE, part.end() - 1)
    else:
        tokens.open_template(part.end() - 1)
    return part.end()


def _is_operand_next(tokens: ScriptTokens) -> bool:
    """Say whether a value follows the last token, so that `/` begins a regular expression."""
    texts = tokens.texts
    if not texts:
        return True
    last = texts[-1]
    if last in _BEFORE_OPERAND:
        return len(texts) < 2 or texts[-2] != "."  # noqa: PLR2004 - the token before the last
    if last == ")":
        opening = tokens.partners[len(texts) - 1]
        return opening > 0 and texts[opening - 1] in _BEFORE_BLOCK
    if last == "}":
        opening = tokens.partners[len(texts) - 1]
        return opening == 0 or texts[opening - 1] in _BEFORE_STATEMENT
    is_value = last[0].isalnum() or last[0] in "_$#@\\\"'`]" or last == _PATTERN
    return not is_value
