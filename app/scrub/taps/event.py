"""Hides the taps that errors, transactions and spans tell of.

Their breadcrumbs are the same as those of a recording, without touches. Spans of taps are named by
the view: `PinActivity.key_7` with the operation `ui.action.click`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRemark
from app.scrub.taps import names, visits
from app.scrub.taps.names import TapMatcher
from app.scrub.taps.recording import make_note
from app.scrub.taps.rules import (
    FAILED_RULE,
    HIDDEN_NAME,
    KEYPAD,
    RULE_PREFIX,
    SCREEN,
    UNKNOWN_SCREEN,
    TapRules,
)
from app.scrub.taps.visits import ScreenVisit

_TAP_OPS: Final = ("ui.action", "ui.interaction", "ui.click", "ui.tap")
_WITH_TAPS: Final = frozenset({"breadcrumbs", "spans", "items", "description", "name"})
_WITH_BREADCRUMBS: Final = frozenset({PayloadKind.EVENT, PayloadKind.TRANSACTION})


def hide_event_taps(
    value: Any, rules: TapRules, *, kind: PayloadKind
) -> tuple[Any, tuple[ScrubRemark, ...]]:
    """Hide the taps of a decoded payload.

    Args:
        value: The payload; it is not changed.
        rules: The tap rules of the project.
        kind: The kind of the payload.

    Returns:
        The payload without them, which is the same object if none was hidden; and the remarks.
    """
    if not isinstance(value, dict):
        return value, ()
    try:
        return _hide_in_payload(value, rules, kind)
    except Exception:  # noqa: BLE001 - a rule that fails must not let a tap pass
        kept = {key: item for key, item in value.items() if key not in _WITH_TAPS}
        return kept, (ScrubRemark(f"{RULE_PREFIX}{FAILED_RULE}", "breadcrumbs", 1),)


def _hide_in_payload(
    value: JsonObject, rules: TapRules, kind: PayloadKind
) -> tuple[JsonObject, tuple[ScrubRemark, ...]]:
    hider = _EventTapHider(names.get_matcher(rules))
    if kind in _WITH_BREADCRUMBS:
        value = hider.hide_breadcrumbs(value)
    if kind is PayloadKind.TRANSACTION:
        value = hider.hide_name(value, "transaction", _read_operation(value))
    if kind in {PayloadKind.TRANSACTION, PayloadKind.SPAN}:
        value = hider.hide_spans(value)
    return value, hider.make_remarks()


class _EventTapHider:
    """Goes through one payload, and counts what it hides."""

    def __init__(self, matcher: TapMatcher) -> None:
        self._matcher = matcher
        self._counts: dict[tuple[str, str], int] = {}

    def make_remarks(self) -> tuple[ScrubRemark, ...]:
        return tuple(
            ScrubRemark(f"{RULE_PREFIX}{rule}", path, count)
            for (rule, path), count in sorted(self._counts.items())
        )

    def hide_breadcrumbs(self, event: JsonObject) -> JsonObject:
        """Return an event in which one breadcrumb stands for the hidden taps of each screen."""
        sent = event.get("breadcrumbs")
        crumbs = sent.get("values") if isinstance(sent, dict) else sent
        if not isinstance(crumbs, list):
            return event
        kept = self._hide_in(crumbs, _find_shown_screens(event))
        if kept is None:
            return event
        return event | {"breadcrumbs": {**sent, "values": kept} if isinstance(sent, dict) else kept}

    def hide_spans(self, value: JsonObject) -> JsonObject:
        """Return a payload without the names of views in its spans, or in itself if it is one."""
        for key in ("spans", "items"):
            spans = value.get(key)
            if isinstance(spans, list):
                hidden = [self._hide_span(span) for span in spans]
                if any(new is not old for new, old in zip(hidden, spans, strict=True)):
                    value = value | {key: hidden}
        return self._hide_span(value) if "items" not in value and "spans" not in value else value

    def hide_name(self, value: JsonObject, key: str, operation: str) -> JsonObject:
        """Return a value whose name does not tell the view, if the span is that of a tap."""
        name = value.get(key)
        if not operation.startswith(_TAP_OPS) or not isinstance(name, str) or name == HIDDEN_NAME:
            return value
        rule = self._judge_name(name)
        if rule is None:
            return value
        self._count(rule, key, 1)
        return value | {key: HIDDEN_NAME}

    def _hide_span(self, span: Any) -> Any:
        if not isinstance(span, dict):
            return span
        operation = _read_operation(span)
        for key in ("description", "name"):
            span = self.hide_name(span, key, operation)
        return span

    def _judge_name(self, name: str) -> str | None:
        """Judge the name of a tap: `screen.view`, where the screen may be missing."""
        screen, _, _view = name.rpartition(".")
        matcher = self._matcher
        if screen and matcher.is_hidden_screen(screen):
            return SCREEN
        if (screen and matcher.is_keypad_screen(screen)) or matcher.is_keypad_view(
            names.read_view_names(name, None)
        ):
            return KEYPAD
        return UNKNOWN_SCREEN if not screen and matcher.rules.needs_screens else None

    def _hide_in(self, crumbs: list[Any], screens: Sequence[str]) -> list[Any] | None:
        """Return the breadcrumbs that are left; None if all are."""
        read = [_read_crumb(crumb) for crumb in crumbs]
        laid_out = visits.lay_out_visits(list(_find_changes(read)), screens)
        visits.judge_visits(laid_out, self._matcher)
        # Numbers stand for times, so that breadcrumbs without a time keep their order.
        taps = [
            (number, crumb) for number, crumb in enumerate(read) if visits.is_tap(crumb["category"])
        ]
        for number, crumb in taps:
            visits.judge_tap(laid_out.find(number), self._matcher, crumb)
        notes: dict[int, ScreenVisit] = {}
        hidden: set[int] = set()
        for number, _ in taps:
            visit = laid_out.find(number)
            if visit.hidden_by is not None:
                hidden.add(number)
                visit.hide(number, is_touch=False)
                notes.setdefault(round(visit.first_ms or 0), visit)
        if not hidden:
            return None
        return [
            self._write_note(crumb, notes[number]) if number in notes else crumb
            for number, crumb in enumerate(crumbs)
            if number in notes or number not in hidden
        ]

    def _write_note(self, crumb: Any, visit: ScreenVisit) -> JsonObject:
        rule = visit.hidden_by or ""
        self._count(rule, "breadcrumbs", visit.taps)
        return make_note(0, visit.taps, rule) | {"timestamp": crumb.get("timestamp")}

    def _count(self, rule: str, path: str, quantity: int) -> None:
        self._counts[rule, path] = self._counts.get((rule, path), 0) + quantity


def _read_crumb(crumb: Any) -> Mapping[str, Any]:
    members = crumb if isinstance(crumb, dict) else {}
    return {key: members.get(key) for key in ("category", "message", "data")}


def _find_changes(
    crumbs: Iterable[Mapping[str, Any]],
) -> Iterable[tuple[float, str | None]]:
    for number, crumb in enumerate(crumbs):
        is_change, name = visits.read_screen_change(crumb["category"], crumb["data"])
        if is_change:
            yield number, name


def _find_shown_screens(event: JsonObject) -> list[str]:
    """Return the screen at the time of an event, for breadcrumbs that name no screen."""
    app = jsonish.mapping(jsonish.mapping(event, "contexts"), "app")
    shown = [name for name in jsonish.sequence(app, "view_names") if isinstance(name, str)]
    return shown[:1] if len(shown) == 1 else []


def _read_operation(value: JsonObject) -> str:
    """Return the operation of a span, streamed or not, or of a transaction."""
    attribute = jsonish.mapping(jsonish.mapping(value, "attributes"), "sentry.op")
    trace = jsonish.mapping(jsonish.mapping(value, "contexts"), "trace")
    for members, key in ((value, "op"), (attribute, "value"), (trace, "op")):
        if operation := jsonish.text(members, key):
            return operation
    return ""
