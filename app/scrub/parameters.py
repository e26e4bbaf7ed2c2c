"""Finds secrets that a text beside them names: parameters of messages, variables of queries.

    {"message": "login of %s, password=%s", "params": ["jo", "x1"]}          the second
    {"query": "mutation($p: X) { login(password: $p) }", "variables": {"p": "x1"}}
    {"sentry.message.template": …, "sentry.message.parameter.0": …}          logs say it so

Each parameter is tried out: a word of its own is put in its place, and if the rules take that word
away, they would take the parameter away, too.
"""

from collections.abc import Callable, Iterator, Mapping, Set as AbstractSet
from typing import Any, Final

from app.scrub.matching import folding, patterns
from app.scrub.sensitive_names import NameJudge, NameVerdict

SecretMembers = Mapping[str, AbstractSet[str] | None]
"""By key of a map: the keys or numbers of what is secret in it, or None for all of it."""
TextCleaner = Callable[[str], str]
"""Takes the secrets out of a text."""

_PARAMETER: Final = patterns.compile_forward(
    r"%%|%(?:\(([A-Za-z0-9_]{1,80}+)\))?+[-#0+]{0,4}[0-9]{0,9}(?:\.[0-9]{1,9})?+[a-zA-Z@]"
    r"|\{([A-Za-z0-9_]{0,80}+)\}"
)
"""Where a parameter goes: `%s`, `%(name)d`, `{}`, `{0}`, `{name}`."""
_WORD: Final = patterns.compile_forward(r"Zq[0-9]{6,9}+x7Kw2v9")
"""What stands for a parameter: every rule about values takes it."""
_VARIABLE: Final = patterns.compile_text(
    r"([_A-Za-z][_0-9A-Za-z]*)\s*:\s*\$([_A-Za-z][_0-9A-Za-z]*)"
)
"""`password: $p`."""
_LOG_TEMPLATE: Final = "sentry.message.template"
_LOG_PARAMETER: Final = "sentry.message.parameter."
_DOCUMENT: Final = "graphql.document"
_DOCUMENT_VARIABLE: Final = "graphql.variables."
_NONE: Final[SecretMembers] = {}


def find_secret_members(
    value: Mapping[str, Any], judge: NameJudge, clean: TextCleaner
) -> SecretMembers:
    """Find what a text in a map says about other members of that map."""
    if "params" in value:
        return {"params": _parameters(value.get("message"), clean)}
    if "variables" in value:
        return {"variables": _variables(value.get("query"), judge)}
    if _LOG_TEMPLATE in value:
        names = _parameters(_plain(value[_LOG_TEMPLATE]), clean)
        return {f"{_LOG_PARAMETER}{name}": None for name in names}
    if _DOCUMENT in value:
        names = _variables(_plain(value[_DOCUMENT]), judge)
        return {f"{_DOCUMENT_VARIABLE}{name}": None for name in names}
    return _NONE


def find_secret_arguments(template: str, clean: TextCleaner) -> AbstractSet[str]:
    """Find which of the items behind a template in a list are secret, by their numbers."""
    return {str(int(name) + 1) for name in _parameters(template, clean) if name.isdecimal()}


def _plain(attribute: Any) -> Any:
    """Return what an attribute says, with its type beside it or alone."""
    return attribute.get("value") if isinstance(attribute, dict) else attribute


def _parameters(template: Any, clean: TextCleaner) -> AbstractSet[str]:
    """Return the names and numbers of the parameters that are secret in a message."""
    if not isinstance(template, str) or ("%" not in template and "{" not in template):
        return frozenset()
    names = list(_names(template))
    numbers = iter(range(len(names)))

    def put(place: Any) -> str:
        return "%" if place[0] == "%%" else _word(next(numbers))

    left = set(_WORD.findall(clean(_PARAMETER.sub(put, template))))
    return {name for number, name in enumerate(names) if _word(number) not in left}


def _names(template: str) -> Iterator[str]:
    """Name the parameters of a message in the order of their places."""
    number = 0
    for place in _PARAMETER.finditer(template):
        if place[0] == "%%":
            continue
        name = place[1] or place[2]
        yield name or str(number)
        number += not name


def _word(number: int) -> str:
    return f"Zq{number:06d}x7Kw2v9"


def _variables(query: Any, judge: NameJudge) -> AbstractSet[str]:
    """Return the names of the variables that a GraphQL query puts behind a sensitive name."""
    if not isinstance(query, str):
        return frozenset()
    return {
        found.group(2)
        for found in _VARIABLE.finditer(folding.fold_text(query))
        if judge.verdict(found.group(1)) in {NameVerdict.SECRET, NameVerdict.COOKIE}
    }
