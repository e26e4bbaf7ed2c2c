"""Walks one JSON value with the rules of one project, and notes what was removed."""

import json
from collections.abc import Sequence, Set as AbstractSet
from operator import is_
from typing import Any, Final

import msgspec

from app.core.limits import LIMITS
from app.scrub import parameters, sensitive_names
from app.scrub.finders import cards, commands, shapes
from app.scrub.matching import folding, redactions
from app.scrub.places import DATA_PLACE, JsonPlace, PlaceRole
from app.scrub.rules import FAILED, FILTERED, MARKS, ScrubRemark
from app.scrub.sensitive_names import NameVerdict
from app.scrub.text_scrubber import TextKind, TextScrubber

_DEEPEST: Final = LIMITS.json_depth + 32
"""Depth of a value plus a JSON text inside it. Deeper parts are replaced, long before the recursion
could exhaust the stack."""
_MOST_REMARKS: Final = 500
"""Different places noted for one value; further ones are counted under the path `…`."""
_NAME_CHARS: Final = 80
_CARD_DIGITS: Final = frozenset({15, 16})
"""Digits of a card written as a number. Other lengths are times and sizes more often than cards."""
_ATTRIBUTE_KEYS: Final = frozenset({"value", "type", "unit"})
_PAIR: Final = 2
_NOT_IN_NAMES: Final = frozenset(" =")
"""Characters that show that the first of two items is prose and no name: `token refreshed`."""
_CARD_BELOW: Final = 10**16
_NUMBERS: Final = frozenset({int, float})
_LARGEST_EXACT: Final = 2**63
_NAMES_OF_SECRETS: Final = frozenset(
    {"password", "token", "secret", "email", "username", "otp", "pin", "cookie", "authorization"}
    | {"api_key", "access_token", "refresh_token", "client_secret", "cvv", "iban", "ssn"}
)
_BLANK_CHARS: Final = 64
_JSON_STARTS: Final = ("{", "[")
_COOKIES: Final = JsonPlace(PlaceRole.COOKIES)
_KEY: Final = JsonPlace(text_kind=TextKind.TEXT)
_MOST_ROUNDS: Final = 4
_SPECIAL_ROLES: Final = frozenset(
    {PlaceRole.STRUCTURE, PlaceRole.ADDRESS, PlaceRole.COOKIES, PlaceRole.OWNER}
)
_encode: Final = msgspec.json.Encoder().encode


class JsonWalker:
    """Walks one value: keeps the path to the current place, and counts removals."""

    def __init__(self, scrubber: TextScrubber) -> None:
        self._scrubber = scrubber
        self._judge = scrubber.judge
        self._path: list[str | int] = []
        self._counts: dict[tuple[str, str], int] = {}

    def remarks(self) -> tuple[ScrubRemark, ...]:
        """Return the remarks in their order."""
        if not self._counts:
            return ()
        return tuple(
            ScrubRemark(rule, path, count) for (rule, path), count in sorted(self._counts.items())
        )

    def is_clean(self, value: Any) -> bool:
        """Tell whether a value holds no hint; False if it cannot be written as JSON."""
        try:
            return self._scrubber.is_clean(_encode(value))
        except (TypeError, ValueError, OverflowError, RecursionError):
            return False

    def visit_member(self, name: str | int, value: Any, place: JsonPlace) -> Any:
        """Visit the value of a key or the item of a number."""
        self._path.append(name)
        try:
            return self.visit(value, place)
        finally:
            self._path.pop()

    def visit(self, value: Any, place: JsonPlace) -> Any:
        """Return a value without its secrets, or the same object if it has none."""
        try:
            return self._visit(value, place)
        except Exception:  # noqa: BLE001 - a rule that fails must not let its text pass
            self._add_remark("scrub-failed")
            return FAILED

    def visit_members(self, value: dict[str, Any], place: JsonPlace) -> dict[str, Any] | None:
        """Visit members of an object, each of which holds a hint; None if a rule fails."""
        try:
            return self._visit_map(value, place)
        except Exception:  # noqa: BLE001 - the caller then walks the whole object
            return None

    def _visit(self, value: Any, place: JsonPlace) -> Any:
        if place.role is PlaceRole.CLOSED:
            return value
        if isinstance(value, dict | list):
            return self._visit_container(value, place)
        if place.role is PlaceRole.ADDRESS and value is not None and self._scrubber.rules.scrub_ip:
            self._add_remark("ip")
            return None
        if isinstance(value, str):
            return self._scrub_text(value, place)
        if type(value) in _NUMBERS and place.role is not PlaceRole.STRUCTURE:
            return self._scrub_number(value)
        return value

    def _visit_container(self, value: dict[str, Any] | list[Any], place: JsonPlace) -> Any:
        """Walk a map or a list, unless one pass over the whole of it finds no hint."""
        if len(self._path) > _DEEPEST:
            self._add_remark("scrub-failed")
            return FAILED
        # A single member gave the hint that led into the container, so it need not be asked again.
        # Cookies and flat lists of headers are secret by their place, without any hint inside.
        is_secret_place = place.role is PlaceRole.COOKIES or (
            place.role is PlaceRole.HEADERS and isinstance(value, list)
        )
        if len(value) != 1 and not is_secret_place and self.is_clean(value):
            return value
        if place.role is PlaceRole.STRUCTURE:
            place = DATA_PLACE
        if isinstance(value, dict):
            return self._visit_map(value, place)
        return self._visit_list(value, place)

    def _visit_map(self, value: dict[str, Any], place: JsonPlace) -> dict[str, Any]:
        """Walk a map, and redact values that a key, a `name` beside them or a text names."""
        out: dict[str, Any] = {}
        is_same = True
        is_cookie = place.role is PlaceRole.COOKIES and _is_attribute(value)
        name_verdict = (
            self._judge_name(value.get("name", value.get("key")))
            if "value" in value
            else NameVerdict.PLAIN
        )
        secret_members = parameters.find_secret_members(value, self._judge, self._try_rules)
        for key, item in value.items():
            known_place = place.fields.get(key)
            clean_key = key
            if known_place is not None:
                clean = self.visit_member(key, item, known_place)
            else:
                clean_key = self._make_unique_key(key, out)
                verdict = self._judge_in(place, key) or self._judge_in(place, clean_key)
                verdict = name_verdict if key == "value" and name_verdict else verdict
                verdict = NameVerdict.COOKIE if is_cookie and key == "value" else verdict
                clean = self._visit_named(clean_key, item, verdict)
            if key in secret_members:
                clean = self._redact_members(clean_key, clean, secret_members[key])
            is_same = is_same and clean is item and clean_key is key
            out[clean_key] = clean
        return value if is_same else out

    def _visit_list(self, value: list[Any], place: JsonPlace) -> list[Any]:
        """Walk a list; a list of two whose first is a text may be a name with its value."""
        if len(value) == _PAIR and isinstance(value[0], str):
            out = self._visit_pair(value[0], value[1], place)
        else:
            out = []
            for number, item in enumerate(value):
                verdict = self._judge_item_before(value, number, place)
                out.append(
                    self._visit_named(number, item, verdict)
                    if verdict
                    else self.visit_member(number, item, place)
                )
        if len(value) > 1 and isinstance(value[0], str) and "%" in value[0]:
            numbers = parameters.find_secret_arguments(value[0], self._try_rules)
            out = self._redact_items(out, numbers)
        if len(value) > 1 and (numbers := commands.find_secret_arguments(value)):
            out = self._redact_items(out, numbers)
        return value if all(map(is_, value, out)) else out

    def _judge_item_before(self, items: list[Any], number: int, place: JsonPlace) -> NameVerdict:
        """Judge the item before, if it may name this one: an option, or a flat list of headers."""
        before = items[number - 1] if number else None
        if not isinstance(before, str) or not isinstance(items[number], str):
            return NameVerdict.PLAIN
        if before.startswith("-") and not items[number].startswith("-") and "=" not in before:
            return self._judge_name(before.lstrip("-"))
        is_flat = place.role is PlaceRole.HEADERS and number % 2 and not isinstance(items[0], list)
        return self._judge_name(before) if is_flat else NameVerdict.PLAIN

    def _visit_pair(self, name: str, value: Any, place: JsonPlace) -> list[Any]:
        """Visit two items that may be a name and its value: a header, a cookie, a parameter."""
        if place.role is PlaceRole.HEADERS and name in place.fields:
            return [name, value]
        item_place = DATA_PLACE if place.role is PlaceRole.COOKIES and "=" not in name else place
        clean = str(self.visit_member(0, name, item_place))
        is_name = place.role is not PlaceRole.DATA or _NOT_IN_NAMES.isdisjoint(name)
        verdict = self._judge_in(place, name) if is_name else NameVerdict.PLAIN
        if verdict:
            is_list_of_names = place.role is PlaceRole.DATA and _is_name_of_secret(value)
            value = value if is_list_of_names else self._visit_named(clean, value, verdict)
            return [clean, value]
        return [clean, self.visit_member(1, value, item_place)]

    def _judge_name(self, name: Any) -> NameVerdict:
        return self._judge.judge_name(name) if isinstance(name, str) else NameVerdict.PLAIN

    def _judge_in(self, place: JsonPlace, name: str) -> NameVerdict:
        """Judge a name; among cookies more names are secret."""
        verdict = self._judge.judge_name(name)
        is_cookie = place.role is PlaceRole.COOKIES and sensitive_names.is_cookie_secret(name)
        return NameVerdict.SECRET if is_cookie else verdict

    def _make_unique_key(self, key: str, taken: dict[str, Any]) -> str:
        """Return a key without secrets, since some keys are addresses, unlike the other keys."""
        clean = self._apply_rules(key, _KEY)
        number, unique = len(taken), clean
        while unique in taken:
            # Doubling the number keeps this short, whatever the other keys are.
            unique, number = f"{clean} ({number})", 2 * number + 1
        return unique

    def _visit_named(self, name: str | int, value: Any, verdict: NameVerdict) -> Any:
        """Visit the value of a name; redact all of it if the name is sensitive."""
        if verdict is NameVerdict.PLAIN:
            return self.visit_member(name, value, DATA_PLACE)
        if verdict is NameVerdict.COOKIE:
            return self.visit_member(name, value, _COOKIES)
        self._path.append(name)
        try:
            return self._redact(value, verdict)
        finally:
            self._path.pop()

    def _try_rules(self, text: str) -> str:
        """Return a made-up text after the rules, without a remark."""
        return self._scrubber.scrub(text, TextKind.TEXT)[0]

    def _redact_members(self, name: str, value: Any, secret_names: AbstractSet[str] | None) -> Any:
        """Redact the members of a value that a text beside it names, or all of it for None."""
        self._path.append(name)
        try:
            if secret_names is None:
                return self._redact(value, NameVerdict.SECRET)
            if isinstance(value, list):
                return self._redact_items(value, secret_names)
            if not isinstance(value, dict) or secret_names.isdisjoint(value):
                return value
            out = {
                key: self._redact(item, NameVerdict.SECRET) if key in secret_names else item
                for key, item in value.items()
            }
            return value if all(map(is_, value.values(), out.values())) else out
        finally:
            self._path.pop()

    def _redact_items(self, items: list[Any], numbers: AbstractSet[str]) -> list[Any]:
        """Redact the items of a list with these numbers; return the same list if none changes."""
        out = [
            self._redact(item, NameVerdict.SECRET) if str(number) in numbers else item
            for number, item in enumerate(items)
        ]
        return items if all(map(is_, items, out)) else out

    def _redact(self, value: Any, verdict: NameVerdict) -> Any:
        """Return the same containers with every text and number replaced; booleans stay."""
        if isinstance(value, list):
            items = [self._redact(item, verdict) for item in value]
            return value if all(map(is_, value, items)) else items
        if isinstance(value, dict):
            return self._redact_map(value, verdict)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if (is_number and verdict is not NameVerdict.COUNT) or (
            isinstance(value, str) and _needs_redaction(value)
        ):
            self._add_remark("sensitive-name")
            return FILTERED
        return value

    def _redact_map(self, value: dict[str, Any], verdict: NameVerdict) -> dict[str, Any]:
        is_attribute = _is_attribute(value)
        out: dict[str, Any] = {}
        for key, item in value.items():
            is_kept = is_attribute and key != "value"
            out[self._make_unique_key(key, out)] = item if is_kept else self._redact(item, verdict)
        is_same = all(map(is_, value, out)) and all(map(is_, value.values(), out.values()))
        return value if is_same else out

    def _scrub_text(self, text: str, place: JsonPlace) -> str:
        """Return a text without secrets."""
        if place.role in _SPECIAL_ROLES:
            return self._scrub_special(text, place)
        return self._apply_rules(text, place)

    def _apply_rules(self, text: str, place: JsonPlace) -> str:
        """Return a text after all rules; a text that is JSON is walked."""
        if self._scrubber.is_known_clean(text, place.text_kind):
            return text
        clean = self._apply_repeatedly(text, place.text_kind)
        if clean is text:
            self._scrubber.remember_clean(text, place.text_kind)
        return clean

    def _apply_repeatedly(self, text: str, text_kind: TextKind) -> str:
        """Apply all rules until nothing changes.

        A mark may let another rule fit, because a word ends where the mark begins.
        """
        results: dict[int, str] = {}
        for _ in range(_MOST_ROUNDS):
            candidates = self._scrubber.find_candidates(text)
            if not candidates:
                break
            is_json = text[:_BLANK_CHARS].lstrip()[:1] in _JSON_STARTS
            clean = self._scrub_json_text(text) if is_json else None
            if clean is None:
                clean = self._apply_once(text, text_kind, candidates, results)
            if clean == text:
                break
            text = clean
        return text

    def _apply_once(
        self, text: str, text_kind: TextKind, candidates: Sequence[int], results: dict[int, str]
    ) -> str:
        """Return a text after one round of rules; if a rule fails, nothing of the text is left."""
        try:
            clean, counts = self._scrubber.scrub(text, text_kind, candidates, results=results)
        except Exception:  # noqa: BLE001 - a rule that fails must not let its text pass
            self._add_remark("scrub-failed")
            return FAILED
        for rule, count in counts:
            self._add_remark(rule, count)
        return clean

    def _scrub_special(self, text: str, place: JsonPlace) -> str:
        """Scrub the text of a place that has a rule of its own."""
        if place.role is PlaceRole.COOKIES and _needs_redaction(text):
            self._add_remark("sensitive-name")
            return FILTERED
        if place.role is PlaceRole.OWNER:
            clean, count = redactions.apply_redactions(
                text, shapes.find_device_owner(folding.fold_text(text))
            )
            if count:
                self._add_remark("owner")
                return clean
            return self._apply_rules(text, place)
        return text

    def _scrub_json_text(self, text: str) -> str | None:
        """Return a JSON text without its secrets, or None if it is not JSON.

        If a name stands twice in an object, it is scrubbed as plain text: decoded, only the last
        value would be seen.
        """
        try:
            value = json.loads(text, object_pairs_hook=_make_map)
        except (ValueError, RecursionError):
            return None
        clean = self.visit_member("json", value, DATA_PLACE)
        return text if clean is value else json.dumps(clean, ensure_ascii=False)

    def _scrub_number(self, value: float) -> float | str:
        """Return a number, or the mark if it is the number of a card or one of the project's."""
        if not 0 < value < _LARGEST_EXACT or (type(value) is float and not value.is_integer()):
            return value
        whole = int(value)  # programs that know no whole numbers write a card as 4111111111111111.0
        digits = str(whole) if whole < _CARD_BELOW else ""
        if len(digits) in _CARD_DIGITS and cards.is_card_number(digits):
            self._add_remark("card")
            return FILTERED
        if self._scrubber.rules.patterns and (rule := self._scrubber.find_own_match(whole)):
            self._add_remark(rule)
            return FILTERED
        return value

    def _add_remark(self, rule: str, count: int = 1) -> None:
        path = ".".join(str(name)[:_NAME_CHARS] for name in self._path)
        if len(self._counts) >= _MOST_REMARKS and (rule, path) not in self._counts:
            path = "…"
        self._counts[rule, path] = self._counts.get((rule, path), 0) + count


def _is_attribute(value: dict[str, Any]) -> bool:
    """Tell whether a map is a typed attribute of a span or a log: a value with its type."""
    return "value" in value and value.keys() <= _ATTRIBUTE_KEYS


def _is_name_of_secret(value: Any) -> bool:
    """Tell whether the second of two items is a name as well: `["password", "token"]`."""
    return isinstance(value, str) and value in _NAMES_OF_SECRETS


def _needs_redaction(text: str) -> bool:
    """Tell whether a text under a sensitive name is neither empty nor a mark."""
    return bool(text) and text not in MARKS


def _make_map(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a map, and refuse a name that stands twice."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name stands twice in one map")
    return value
