"""Reads the form of a rule."""

from collections.abc import Mapping
from typing import Final

from app.alerts.model import AlertRuleSettings, RuleKind, TellWhen
from app.alerts.schedule import read_time, read_time_zone
from app.core.errors import InvalidInput
from app.playback.replay_search import check_query

_LONGEST_TEXT: Final = 200
_LONGEST_QUERY: Final = 2_000
_DAY_MIN: Final = 24 * 60


def read_rule_form(kind: RuleKind, fields: Mapping[str, str]) -> AlertRuleSettings:
    """Return the settings that a form asks for; fields that a kind does not have are left out.

    Raises:
        InvalidInput: A field cannot be used.
    """
    default = AlertRuleSettings()
    tell = TellWhen.DAILY if fields.get("tell") == TellWhen.DAILY else TellWhen.SOON
    quiet_from, quiet_until = _read_quiet(fields)
    time_zone = fields.get("time_zone", "").strip() or default.time_zone
    read_time_zone(time_zone)
    tell_at = fields.get("tell_at", "").strip() or default.tell_at
    read_time(tell_at)
    issues = (RuleKind.NEW_ISSUE, RuleKind.RETURNED_ISSUE)
    spikes = (RuleKind.SPIKE, RuleKind.ISSUE_SPIKE)
    return AlertRuleSettings(
        only_crashes=kind in (*issues, *spikes) and fields.get("only_crashes") == "yes",
        environment=_read_text(fields, "environment")
        if kind in (*issues, RuleKind.FIRST_CRASH, RuleKind.CRASH_FREE)
        else "",
        query=_read_query(fields) if kind is RuleKind.QUERY else "",
        factor=_read_number(fields, "factor", "factor", default.factor, (1.1, 1_000))
        if kind in spikes
        else default.factor,
        least_events=round(
            _read_number(fields, "least_events", "number of errors", 20, (1, 1_000_000))
        )
        if kind in spikes
        else default.least_events,
        share_percent=_read_number(fields, "share_percent", "share", 99, (0.01, 100))
        if kind is RuleKind.CRASH_FREE
        else default.share_percent,
        least_sessions=round(
            _read_number(fields, "least_sessions", "number of sessions", 100, (1, 1e9))
        )
        if kind is RuleKind.CRASH_FREE
        else default.least_sessions,
        silent_min=round(
            _read_number(fields, "silent_min", "number of minutes", 60, (5, 30 * _DAY_MIN))
        )
        if kind is RuleKind.SILENCE
        else default.silent_min,
        disk_days=round(_read_number(fields, "disk_days", "number of days", 7, (1, 365)))
        if kind is RuleKind.DISK
        else default.disk_days,
        collect_min=round(
            _read_number(
                fields, "collect_min", "number of minutes", default.collect_min, (0, 1_440)
            )
        ),
        hourly=round(
            _read_number(fields, "hourly", "number of messages", default.hourly, (1, 1_000))
        ),
        tell=tell,
        tell_at=tell_at,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        time_zone=time_zone,
    )


def _read_quiet(fields: Mapping[str, str]) -> tuple[str, str]:
    begin, end = fields.get("quiet_from", "").strip(), fields.get("quiet_until", "").strip()
    if not begin and not end:
        return "", ""
    if not begin or not end:
        raise InvalidInput("quiet time needs a beginning and an end; empty both for none")
    if read_time(begin) == read_time(end):
        raise InvalidInput("quiet time ends when it begins; choose another time")
    return begin, end


def _read_text(fields: Mapping[str, str], name: str) -> str:
    text = fields.get(name, "").strip()
    if len(text) > _LONGEST_TEXT:
        raise InvalidInput(f"{name} has more than {_LONGEST_TEXT} characters")
    return text


def _read_query(fields: Mapping[str, str]) -> str:
    query = fields.get("query", "").strip()
    if len(query) > _LONGEST_QUERY:
        raise InvalidInput(f"the query has more than {_LONGEST_QUERY:,} characters")
    check_query(query)
    return query


def _read_number(
    fields: Mapping[str, str], name: str, what: str, default: float, limits: tuple[float, float]
) -> float:
    text = fields.get(name, "").strip().replace(",", ".").rstrip("%").strip()
    if not text:
        return default
    digits = text.replace(".", "", 1)
    if not digits.isascii() or not digits.isdecimal() or len(text) > 12:  # noqa: PLR2004
        raise InvalidInput(f"the {what} must be a number")
    number = float(text)
    least, most = limits
    if not least <= number <= most:
        raise InvalidInput(f"the {what} must be from {least:g} to {most:,g}")
    return number
