"""Finds secrets that a text beside them names: parameters of messages, variables of queries.

    {"message": "login of %s, password=%s", "params": ["jo", "x1"]}          the second one
    {"query": "mutation($p: X) { login(password: $p) }", "variables": {"p": "x1"}}
    {"sentry.message.template": …, "sentry.message.parameter.0": …}          the form of logs

Each parameter of a message is tried out: a made-up word is put in its place. If the rules remove
that word, they would also remove the parameter.
"""

from collections.abc import Callable, Iterator, Mapping, Set as AbstractSet
from typing import Any, Final

from app.scrub.matching import folding, patterns
from app.scrub.sensitive_names import NameJudge, NameVerdict

SecretMembers = Mapping[str, AbstractSet[str] | None]
"""Secret parts by the key of a member: its secret keys or numbers, or None for all of it."""
TextCleaner = Callable[[str], str]
"""A function that removes the secrets from a text."""

_PARAMETER: Final = patterns.compile_forward(
    r"%%|%(?:\(([A-Za-z0-9_]{1,80}+)\))?+[-#0+]{0,4}[0-9]{0,9}(?:\.[0-9]{1,9})?+[a-zA-Z@]"
    r"|\{([A-Za-z0-9_]{0,80}+)\}"
)
"""Place of a parameter: `%s`, `%(name)d`, `{}`, `{0}`, `{name}`."""
_WORD: Final = patterns.compile_forward(r"Zq[0-9]{6,9}+x7Kw2v9")
"""Made-up word for a parameter, which every rule about values takes for a secret."""
_VARIABLE: Final = patterns.compile_text(
    r"([_A-Za-z][_0-9A-Za-z]*)\s*:\s*\$([_A-Za-z][_0-9A-Za-z]*)"
)
"""Variable after a name: `password: $p`."""
_LOG_TEMPLATE: Final = "sentry.message.template"
_LOG_PARAMETER: Final = "sentry.message.parameter."
_DOCUMENT: Final = "graphql.document"
_DOCUMENT_VARIABLE: Final = "graphql.variables."
_NONE: Final[SecretMembers] = {}


def find_secret_members(
    value: Mapping[str, Any], judge: NameJudge, clean: TextCleaner
) -> SecretMembers:
    """Find the secrets among the members of a map that a text in the map names."""
    if "params" in value:
        return {"params": _find_secret_parameters(value.get("message"), clean)}
    if "variables" in value:
        return {"variables": _find_secret_variables(value.get("query"), judge)}
    if _LOG_TEMPLATE in value:
        names = _find_secret_parameters(_attribute_value(value[_LOG_TEMPLATE]), clean)
        return {f"{_LOG_PARAMETER}{name}": None for name in names}
    if _DOCUMENT in value:
        names = _find_secret_variables(_attribute_value(value[_DOCUMENT]), judge)
        return {f"{_DOCUMENT_VARIABLE}{name}": None for name in names}
    return _NONE


def find_secret_arguments(template: str, clean: TextCleaner) -> AbstractSet[str]:
    """Find the numbers of the secret items after a template in a list."""
    return {
        str(int(name) + 1) for name in _find_secret_parameters(template, clean) if name.isdecimal()
    }


def _attribute_value(attribute: Any) -> Any:
    """Return the value of an attribute, which may have its type beside it."""
    return attribute.get("value") if isinstance(attribute, dict) else attribute


def _find_secret_parameters(template: Any, clean: TextCleaner) -> AbstractSet[str]:
    """Return the names and numbers of the secret parameters of a message."""
    if not isinstance(template, str) or ("%" not in template and "{" not in template):
        return frozenset()
    names = list(_name_parameters(template))
    numbers = iter(range(len(names)))

    def replace(match: Any) -> str:
        return "%" if match[0] == "%%" else _make_word(next(numbers))

    remaining = set(_WORD.findall(clean(_PARAMETER.sub(replace, template))))
    return {name for number, name in enumerate(names) if _make_word(number) not in remaining}


def _name_parameters(template: str) -> Iterator[str]:
    """Return the names of the parameters of a message, in order; some are numbers."""
    number = 0
    for match in _PARAMETER.finditer(template):
        if match[0] == "%%":
            continue
        name = match[1] or match[2]
        yield name or str(number)
        number += not name


def _make_word(number: int) -> str:
    return f"Zq{number:06d}x7Kw2v9"


def _find_secret_variables(query: Any, judge: NameJudge) -> AbstractSet[str]:
    """Return the names of the variables after a sensitive name in a GraphQL query."""
    if not isinstance(query, str):
        return frozenset()
    return {
        match.group(2)
        for match in _VARIABLE.finditer(folding.fold_text(query))
        if judge.judge_name(match.group(1)) in {NameVerdict.SECRET, NameVerdict.COOKIE}
    }
