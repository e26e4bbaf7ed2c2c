"""Walks one JSON value with the rules of one project and notes what went."""

import json
from collections.abc import Sequence, Set as AbstractSet
from operator import is_
from typing import Any, Final

import msgspec

from app.core.limits import LIMITS
from app.scrub import parameters, sensitive_names
from app.scrub.finders import cards, shapes
from app.scrub.matching import folding, redactions
from app.scrub.places import DATA_PLACE, JsonPlace, PlaceRole
from app.scrub.rules import FAILED, FILTERED, MARKS, ScrubRemark
from app.scrub.sensitive_names import NameVerdict
from app.scrub.text_scrubber import TextKind, TextScrubber

_DEEPEST: Final = LIMITS.json_depth + 32
"""A value and a body that is JSON inside it; what is deeper fails closed, long before the stack."""
_REMARKS: Final = 500
"""Different places noted for one value; more are counted under the path `…`."""
_NAME_CHARS: Final = 80
_CARD_DIGITS: Final = frozenset({15, 16})
"""Of a card written as a number. Other lengths are times and sizes more often than cards."""
_ATTRIBUTE_KEYS: Final = frozenset({"value", "type", "unit"})
_PAIR: Final = 2
_NO_NAME: Final = frozenset(" =")
"""In the first of two arguments of a log, which names nothing: `token refreshed`."""
_CARD_BELOW: Final = 10**16
_BLANK_CHARS: Final = 64
_JSON_STARTS: Final = ("{", "[")
_COOKIES: Final = JsonPlace(PlaceRole.COOKIES)
_KEY: Final = JsonPlace(text_kind=TextKind.TEXT)
_ROUNDS: Final = 4
_SPECIAL: Final = frozenset(
    {PlaceRole.STRUCTURE, PlaceRole.ADDRESS, PlaceRole.COOKIES, PlaceRole.OWNER}
)
_encode: Final = msgspec.json.Encoder().encode


class JsonWalker:
    """One walk: knows where it is and counts what it took out."""

    def __init__(self, scrubber: TextScrubber) -> None:
        self._scrubber = scrubber
        self._judge = scrubber.judge
        self._trail: list[str | int] = []
        self._notes: dict[tuple[str, str], int] = {}

    def remarks(self) -> tuple[ScrubRemark, ...]:
        """Return what was noted, in the order of the walk."""
        return tuple(ScrubRemark(rule, path, count) for (rule, path), count in self._notes.items())

    def is_clean(self, value: Any) -> bool:
        """Tell whether a value holds no hint; False also if it cannot be written as JSON."""
        try:
            return self._scrubber.is_clean(_encode(value))
        except (TypeError, ValueError, OverflowError, RecursionError):
            return False

    def under(self, name: str | int, value: Any, place: JsonPlace) -> Any:
        """Visit what stands under a key or a number."""
        self._trail.append(name)
        try:
            return self.visit(value, place)
        finally:
            self._trail.pop()

    def visit(self, value: Any, place: JsonPlace) -> Any:
        """Return a value without its secrets: the same object if there are none."""
        try:
            return self._visit(value, place)
        except Exception:  # noqa: BLE001 - whatever a rule does, its text must not pass
            self._note("scrub-failed")
            return FAILED

    def visit_members(self, value: dict[str, Any], place: JsonPlace) -> dict[str, Any] | None:
        """Visit some members of an object, each of which holds a hint; None if that fails."""
        try:
            return self._map(value, place)
        except Exception:  # noqa: BLE001 - whatever a rule does, the caller closes
            return None

    def _visit(self, value: Any, place: JsonPlace) -> Any:
        if place.role is PlaceRole.CLOSED:
            return value
        if isinstance(value, dict | list):
            return self._container(value, place)
        if place.role is PlaceRole.ADDRESS and value is not None and self._scrubber.rules.scrub_ip:
            self._note("ip")
            return None
        if isinstance(value, str):
            return self._text(value, place)
        if type(value) is int and place.role is not PlaceRole.STRUCTURE:
            return self._number(value)
        return value

    def _container(self, value: dict[str, Any] | list[Any], place: JsonPlace) -> Any:
        """Walk a map or a list, unless one pass over all of it finds no hint."""
        if len(self._trail) > _DEEPEST:
            self._note("scrub-failed")
            return FAILED
        # What stands alone in a container is what gave the hint that led into it; what stands in a
        # jar of cookies or a flat list of headers is told by the name of the whole.
        is_told = place.role is PlaceRole.COOKIES or (
            place.role is PlaceRole.HEADERS and isinstance(value, list)
        )
        if len(value) != 1 and not is_told and self.is_clean(value):
            return value
        if place.role is PlaceRole.STRUCTURE:
            place = DATA_PLACE
        return self._map(value, place) if isinstance(value, dict) else self._list(value, place)

    def _map(self, value: dict[str, Any], place: JsonPlace) -> dict[str, Any]:
        out: dict[str, Any] = {}
        is_same = True
        is_jar = place.role is PlaceRole.COOKIES and _is_attribute(value)
        named = (
            self._verdict(value.get("name", value.get("key")))
            if "value" in value
            else NameVerdict.PLAIN
        )
        secret_members = parameters.find_secret_members(value, self._judge, self._text_after_rules)
        for key, item in value.items():
            inner = place.fields.get(key)
            clean_key = key
            if inner is not None:
                clean = self.under(key, item, inner)
            else:
                clean_key = self._free_key(key, out)
                verdict = self._verdict_in(place, key) or self._verdict_in(place, clean_key)
                verdict = named if key == "value" and named else verdict
                verdict = NameVerdict.COOKIE if is_jar and key == "value" else verdict
                clean = self._named(clean_key, item, verdict)
            if key in secret_members:
                clean = self._redact_members(clean_key, clean, secret_members[key])
            is_same = is_same and clean is item and clean_key is key
            out[clean_key] = clean
        return value if is_same else out

    def _list(self, value: list[Any], place: JsonPlace) -> list[Any]:
        """Walk a list; two items of which the first is a sensitive name are a pair."""
        if len(value) == _PAIR and isinstance(value[0], str):
            out = self._pair(value[0], value[1], place)
        else:
            out = []
            for number, item in enumerate(value):
                verdict = self._announced(value, number, place)
                out.append(
                    self._named(number, item, verdict)
                    if verdict
                    else self.under(number, item, place)
                )
        if len(value) > 1 and isinstance(value[0], str) and "%" in value[0]:
            secret = parameters.find_secret_arguments(value[0], self._text_after_rules)
            out = self._redact_items(out, secret)
        return value if all(map(is_, value, out)) else out

    def _announced(self, items: list[Any], number: int, place: JsonPlace) -> NameVerdict:
        """Judge the item before, where it names this one: an option, or a flat list of headers."""
        before = items[number - 1] if number else None
        if not isinstance(before, str) or not isinstance(items[number], str):
            return NameVerdict.PLAIN
        if before.startswith("-") and not items[number].startswith("-") and "=" not in before:
            return self._verdict(before.lstrip("-"))
        is_flat = place.role is PlaceRole.HEADERS and number % 2 and not isinstance(items[0], list)
        return self._verdict(before) if is_flat else NameVerdict.PLAIN

    def _pair(self, name: str, value: Any, place: JsonPlace) -> list[Any]:
        """Return what may be a name and its value: a header, a cookie, a parameter."""
        if place.role is PlaceRole.HEADERS and name in place.fields:
            return [name, value]
        inner = DATA_PLACE if place.role is PlaceRole.COOKIES and "=" not in name else place
        clean = str(self.under(0, name, inner))
        is_name = place.role is not PlaceRole.DATA or _NO_NAME.isdisjoint(name)
        verdict = self._verdict_in(place, name) if is_name else NameVerdict.PLAIN
        second = self._named(clean, value, verdict) if verdict else self.under(1, value, inner)
        return [clean, second]

    def _verdict(self, name: Any) -> NameVerdict:
        return self._judge.verdict(name) if isinstance(name, str) else NameVerdict.PLAIN

    def _verdict_in(self, place: JsonPlace, name: str) -> NameVerdict:
        """Judge a name; in a jar of cookies more names are secret."""
        verdict = self._judge.verdict(name)
        is_cookie = place.role is PlaceRole.COOKIES and sensitive_names.is_cookie_secret(name)
        return NameVerdict.SECRET if is_cookie else verdict

    def _free_key(self, key: str, taken: dict[str, Any]) -> str:
        """Return a key without secrets (some use addresses as keys), different from the others."""
        clean = self._plain(key, _KEY)
        number, unique = len(taken), clean
        while unique in taken:
            # Doubling keeps this short whatever the other keys are called.
            unique, number = f"{clean} ({number})", 2 * number + 1
        return unique

    def _named(self, name: str | int, value: Any, verdict: NameVerdict) -> Any:
        """Return what stands under a name: all redacted if the name is sensitive."""
        if verdict is NameVerdict.PLAIN:
            return self.under(name, value, DATA_PLACE)
        if verdict is NameVerdict.COOKIE:
            return self.under(name, value, _COOKIES)
        self._trail.append(name)
        try:
            return self._redacted(value, verdict)
        finally:
            self._trail.pop()

    def _text_after_rules(self, text: str) -> str:
        """Return what the rules leave of a text that is not kept."""
        return self._scrubber.scrub(text, TextKind.TEXT)[0]

    def _redact_members(self, name: str, value: Any, secret: AbstractSet[str] | None) -> Any:
        """Redact the members of a value that a text beside it names; all of it for None."""
        self._trail.append(name)
        try:
            if secret is None:
                return self._redacted(value, NameVerdict.SECRET)
            if isinstance(value, list):
                return self._redact_items(value, secret)
            if not isinstance(value, dict) or secret.isdisjoint(value):
                return value
            out = {
                key: self._redacted(item, NameVerdict.SECRET) if key in secret else item
                for key, item in value.items()
            }
            return value if all(map(is_, value.values(), out.values())) else out
        finally:
            self._trail.pop()

    def _redact_items(self, items: list[Any], secret: AbstractSet[str]) -> list[Any]:
        """Redact the items of a list with these numbers; the same list if that changes nothing."""
        out = [
            self._redacted(item, NameVerdict.SECRET) if str(number) in secret else item
            for number, item in enumerate(items)
        ]
        return items if all(map(is_, items, out)) else out

    def _redacted(self, value: Any, verdict: NameVerdict) -> Any:
        """Return the same containers with every text and number replaced; flags say little."""
        if isinstance(value, list):
            items = [self._redacted(item, verdict) for item in value]
            return value if all(map(is_, value, items)) else items
        if isinstance(value, dict):
            return self._redacted_map(value, verdict)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if (is_number and verdict is not NameVerdict.COUNT) or (
            isinstance(value, str) and _is_open(value)
        ):
            self._note("sensitive-name")
            return FILTERED
        return value

    def _redacted_map(self, value: dict[str, Any], verdict: NameVerdict) -> dict[str, Any]:
        is_attribute = _is_attribute(value)
        out: dict[str, Any] = {}
        for key, item in value.items():
            is_kept = is_attribute and key != "value"
            out[self._free_key(key, out)] = item if is_kept else self._redacted(item, verdict)
        is_same = all(map(is_, value, out)) and all(map(is_, value.values(), out.values()))
        return value if is_same else out

    def _text(self, text: str, place: JsonPlace) -> str:
        """Return a text without secrets."""
        return self._special(text, place) if place.role in _SPECIAL else self._plain(text, place)

    def _plain(self, text: str, place: JsonPlace) -> str:
        """Return a text after all rules; a body that is JSON is walked."""
        if self._scrubber.is_kept(text, place.text_kind):
            return text
        clean = self._rounds(text, place.text_kind)
        if clean is text:
            self._scrubber.keep(text, place.text_kind)
        return clean

    def _rounds(self, text: str, text_kind: TextKind) -> str:
        """Apply all rules until nothing changes.

        What one rule leaves may show another something new (a word ends where a mark begins).
        """
        left: dict[int, str] = {}
        for _ in range(_ROUNDS):
            hits = self._scrubber.hits(text)
            if not hits:
                break
            is_json = text[:_BLANK_CHARS].lstrip()[:1] in _JSON_STARTS
            clean = self._body(text) if is_json else None
            if clean is None:
                clean = self._scrubbed(text, text_kind, hits, left)
            if clean == text:
                break
            text = clean
        return text

    def _scrubbed(
        self, text: str, text_kind: TextKind, hits: Sequence[int], left: dict[int, str]
    ) -> str:
        """Return a text after one round of rules; if one fails, nothing of the text."""
        try:
            clean, done = self._scrubber.scrub(text, text_kind, hits, left=left)
        except Exception:  # noqa: BLE001 - whatever a rule does, its text must not pass
            self._note("scrub-failed")
            return FAILED
        for rule, count in done:
            self._note(rule, count)
        return clean

    def _special(self, text: str, place: JsonPlace) -> str:
        """Return the text of a place with a rule of its own."""
        if place.role is PlaceRole.COOKIES and _is_open(text):
            self._note("sensitive-name")
            return FILTERED
        if place.role is PlaceRole.OWNER:
            clean, count = redactions.apply_redactions(
                text, shapes.find_device_owner(folding.fold_text(text))
            )
            if count:
                self._note("owner")
                return clean
            return self._plain(text, place)
        return text

    def _body(self, text: str) -> str | None:
        """Return a text that is JSON with its secrets out, or None if it is no JSON.

        A map that has a name twice is taken as text: a reader would see only the last one.
        """
        try:
            value = json.loads(text, object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError):
            return None
        clean = self.under("json", value, DATA_PLACE)
        return text if clean is value else json.dumps(clean, ensure_ascii=False)

    def _number(self, value: int) -> int | str:
        """Return a number, unless it is that of a card."""
        digits = str(value) if 0 < value < _CARD_BELOW else ""
        if len(digits) in _CARD_DIGITS and cards.is_card_number(digits):
            self._note("card")
            return FILTERED
        return value

    def _note(self, rule: str, count: int = 1) -> None:
        path = ".".join(str(name)[:_NAME_CHARS] for name in self._trail)
        if len(self._notes) >= _REMARKS and (rule, path) not in self._notes:
            path = "…"
        self._notes[rule, path] = self._notes.get((rule, path), 0) + count


def _is_attribute(value: dict[str, Any]) -> bool:
    """Tell whether a map is one value with its type, as spans and logs have them."""
    return "value" in value and value.keys() <= _ATTRIBUTE_KEYS


def _is_open(text: str) -> bool:
    """Tell whether a text under a sensitive name still has to go."""
    return bool(text) and text not in MARKS


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name stands twice in one map")
    return value
