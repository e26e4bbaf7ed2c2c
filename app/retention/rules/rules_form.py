"""Reads rules as people type them in forms and commands."""

import re
from dataclasses import dataclass
from typing import Final

from app.core.errors import InvalidInput
from app.playback.replay_search import check_query
from app.projects import retention_rules
from app.projects.retention_rules import AtLimit, ProjectRules, ServerRules

_GIB: Final = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?")
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
GIB: Final = 2**30


class KeepRuleRefused(InvalidInput):
    """A keep rule cannot be understood; the message belongs beside the rules."""


@dataclass(frozen=True, slots=True)
class RulesForm:
    """The fields of a project's rules, as they were typed."""

    days: str = ""
    """Empty to follow the server."""
    for_ever: str = ""
    """`yes` to keep everything whatever the default of the server is."""
    limit_gib: str = ""
    at_limit: str = AtLimit.REFUSE
    keep_queries: str = ""
    """A query on each line."""
    rest_hours: str = ""


def write_form(rules: ProjectRules) -> RulesForm:
    """Write rules as the fields of the form have them."""
    return RulesForm(
        for_ever="yes" if not rules.follows_server and rules.keep_days is None else "",
        days=str(rules.keep_days or ""),
        limit_gib=write_gib(rules.limit_bytes),
        # Whoever sets the first limit most likely wants to keep what comes.
        at_limit=AtLimit.DELETE_OLDEST if rules.limit_bytes is None else rules.at_limit,
        keep_queries="\n".join(rules.keep_queries),
        rest_hours=str(rules.rest_hours or ""),
    )


def read_form(form: RulesForm) -> ProjectRules:
    """Read what was typed.

    Raises:
        InvalidInput: A field cannot be used; the message is for whoever typed it.
    """
    keep_days = _read_number(form.days, "the number of days")
    is_for_ever = form.for_ever == "yes"
    if is_for_ever and keep_days is not None:
        raise InvalidInput("either enter a number of days, or keep data for ever")
    try:
        at_limit = AtLimit(form.at_limit)
    except ValueError as error:
        raise InvalidInput("choose what happens at the limit") from error
    queries = tuple(line.strip() for line in form.keep_queries.splitlines() if line.strip())
    for number, query in enumerate(queries, 1):
        try:
            check_query(query)
        except InvalidInput as error:
            raise KeepRuleRefused(f"keep rule {number}: {error}") from error
    rules = ProjectRules(
        follows_server=not is_for_ever and keep_days is None,
        keep_days=keep_days,
        limit_bytes=read_gib(form.limit_gib),
        at_limit=at_limit,
        keep_queries=queries,
        rest_hours=_read_number(form.rest_hours, "the number of hours") if queries else None,
    )
    retention_rules.check_rules(rules)
    return rules


def read_server_form(default_days: str, longest_days: str) -> ServerRules:
    """Read the rules of the server; an empty field is for ever.

    Raises:
        InvalidInput: A number of days is impossible.
    """
    rules = ServerRules(
        _read_number(default_days, "the default"), _read_number(longest_days, "the longest time")
    )
    retention_rules.check_days(rules.default_days)
    retention_rules.check_days(rules.longest_days)
    return rules


def read_gib(typed: str) -> int | None:
    """Return the bytes of a number of GiB, or None for an empty text.

    Raises:
        InvalidInput: It is not a number.
    """
    if not typed.strip():
        return None
    number = _GIB.fullmatch(typed.strip().replace(",", "."))
    if number is None:
        raise InvalidInput("the limit is a number of GiB such as 50 or 0.5, or empty for no limit")
    return round(float(number[0]) * GIB)


def write_gib(size_bytes: int | None) -> str:
    """Write a limit as a form shows it; empty if there is none."""
    if size_bytes is None:
        return ""
    return f"{size_bytes / GIB:.6f}".rstrip("0").rstrip(".")


def _read_number(typed: str, what: str) -> int | None:
    if not typed.strip():
        return None
    if not _NUMBER.fullmatch(typed.strip()):
        raise InvalidInput(f"{what} is a whole number such as 30")
    return int(typed)
