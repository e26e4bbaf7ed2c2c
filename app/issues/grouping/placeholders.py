"""Replaces what differs from event to event in a message, so that messages of one kind are equal.

"order 1042 of 4f9d8a7b-… failed after 3.2 s"  ─►  "order <int> of <uuid> failed after <float> s"
"""

import re
from typing import Final

_TEXT_CHARS: Final = 500
_LINES: Final = 3
"""Lines that are read; further ones are dumps and hints, which seldom tell problems apart."""

# The first alternative that matches at a position wins; `kept` are numbers that name the problem.
_VARIABLE: Final = re.compile(
    r"""
      (?P<kept>(?i:\b(?:https?|status|code|errno|err)\b[\s:=\#]*(?:code|status)?[\s:=]*)-?\d{1,5}\b(?![.:\w-]\d))
    | (?P<url>\b[a-z][a-z0-9+.-]{1,20}://[^\s"'<>)\]]+)
    | (?P<email>[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+)
    | (?P<uuid>\b[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\b)
    | (?P<date>\b\d{4}-\d\d-\d\d
        (?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?(?:Z|[+-]\d\d:?\d\d))?)?)
    | (?P<time>\b\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\b)
    | (?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b)
    | (?P<hex>\b0[xX][0-9a-fA-F]+\b | (?<=@)[0-9a-f]{5,16}\b
        | \b(?=[a-f]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{8,128}\b)
    | (?P<float>(?<![\w.])-?\d+\.\d+(?:[eE][+-]?\d+)?(?![\w.]\d))
    | (?P<int>(?<![A-Za-z_])-?\d+)
    """,
    re.VERBOSE,
)


def replace_variables(text: str) -> str:
    """Return the first lines of a message with numbers, ids, dates and addresses replaced.

    A status or error code stays if a word before it says what it is (`HTTP 500`, `errno 2`),
    because 404 and 500 are different problems.
    """
    lines = [line.strip() for line in text[: 2 * _TEXT_CHARS].splitlines()]
    start = "\n".join([line for line in lines if line][:_LINES])[:_TEXT_CHARS]
    return _VARIABLE.sub(_name_variable, start)


def _name_variable(variable: re.Match[str]) -> str:
    kind = variable.lastgroup
    return variable[0] if kind == "kept" else f"<{kind}>"
