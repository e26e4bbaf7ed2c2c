"""Scrubs one text: matches the hints of all rules at once, then applies those that could fit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache, partial
from itertools import chain
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

from app.scrub import hints
from app.scrub.finders import cards, commands, named_values, shapes, sql, url_paths
from app.scrub.matching import folding, patterns
from app.scrub.matching.own_patterns import OwnPatternFinder, OwnPatternHints
from app.scrub.matching.redactions import Redaction, apply_redactions
from app.scrub.rules import CLOSED_RULES, FILTERED, MARKS, ScrubRules
from app.scrub.sensitive_names import NameJudge

_ENCODED: Final = patterns.compile_text(
    r"[^\s\"'<>\\?&;#]*%(?:40|3[0-9aAdD]|[46][1-9a-fA-F]|[57][0-9aA]|25)[^\s\"'<>\\?&;#]*"
)
_SECRET_LIKE: Final = patterns.compile_text(
    r"(?:[a-z0-9]+[-_.])?(?:pass(?:wor[dt]|wd|phrase|code)|secret|(?:api|private|access)[-_]?key"
    r"|credentials?)[-_.:]?[a-z_.\-]*[0-9][^\s]*",
    any_case=True,
)
_MOST_DECODINGS: Final = 2
"""Layers of percent encoding that are taken off."""
_PARTS_AT_ONCE: Final = 64
_MOST_CACHED: Final = 16_384
_LONGEST_CACHED_CHARS: Final = 128
_UNQUOTED: Final = "[]/:,@!$*()'~"


class TextKind(Enum):
    """The kind of a text, which tells the rules that it gets."""

    FREE = auto()
    """Data of any kind: it gets all rules."""
    TEXT = auto()
    """Prose, and names of screens and views: no rule for lone words that look like secrets."""
    NAME = auto()
    """A name or id of the user: kept, unless it is a card or a key."""
    CODE = auto()
    """Lines of source code: `password = ask()` stays."""
    LABEL = auto()
    """Versions, environments, files: `jo@host.dev` and long numbers stay; passwords do not, nor do
    tokens in the path of a URL."""


_ALL: Final = frozenset(TextKind)
_NO_LABELS: Final = _ALL - {TextKind.LABEL}
_NO_NAMES: Final = _NO_LABELS - {TextKind.NAME}
_PROSE: Final = frozenset({TextKind.FREE, TextKind.TEXT})
_PROSE_AND_LABELS: Final = _PROSE | {TextKind.LABEL}


@dataclass(frozen=True, slots=True)
class _TextRule:
    """One rule about texts."""

    name: str
    """Name in remarks."""
    hint: bytes
    """Pattern over UTF-8 or JSON that fits wherever the rule could; empty for a project's own
    pattern, which `OwnPatternHints` looks for."""
    find: Callable[[str], Iterable[Redaction]]
    """Finds the secrets in a folded text."""
    text_kinds: frozenset[TextKind] = _NO_LABELS
    """Kinds of text that the rule applies to."""


class TextScrubber:
    """The rules of one project, compiled."""

    def __init__(self, rules: ScrubRules) -> None:
        self.rules = rules
        self.judge = NameJudge(rules)
        self._own_hints = OwnPatternHints(rules.patterns) if rules.patterns else None
        self._rules = (*self._make_own_rules(), *self._make_rules())
        address_fields = [hints.ADDRESS_FIELD] if rules.scrub_ip else []
        other_hints = (
            *(hints.make_exotic_hint(), hints.ESCAPES, hints.OWNER, hints.ENCODED),
            *address_fields,
        )
        self._clean_texts: set[tuple[str, TextKind]] = set()
        # Rules may share a hint; the matcher is quicker when it holds each of them once.
        numbers: dict[bytes, list[int]] = {}
        for number, hint in enumerate([*(rule.hint for rule in self._rules), *other_hints]):
            if hint:
                numbers.setdefault(hint, []).append(number)
        self._hints = patterns.BytePatternSet(list(numbers))
        self._rules_of_hint = list(numbers.values())
        """Numbers of the rules of each hint; numbers beyond the rules stand for no rule."""

    def is_clean(self, data: bytes) -> bool:
        """Tell whether no rule can find anything in this UTF-8 text or JSON."""
        if self._hints.find_matching(data):
            return False
        return self._own_hints is None or not self._own_hints.may_match_json(data)

    def find_candidates(self, text: str) -> Sequence[int]:
        """Return the numbers of the rules that could find something, for `scrub`."""
        folded = folding.fold_text(text)
        matching = self._hints.find_matching(folded.encode())
        # The rules of the project's own patterns come first, so their numbers are the same.
        own = self._own_hints.find_candidates(folded) if self._own_hints is not None else ()
        if not matching:
            return own
        return [
            *own, *sorted(chain.from_iterable(map(self._rules_of_hint.__getitem__, matching)))
        ]  # fmt: skip

    def is_known_clean(self, text: str, text_kind: TextKind) -> bool:
        """Tell whether this text is cached as one in which the rules find nothing."""
        return (text, text_kind) in self._clean_texts

    def remember_clean(self, text: str, text_kind: TextKind) -> None:
        """Cache that the rules find nothing in a text, since names of files and screens repeat."""
        if len(text) <= _LONGEST_CACHED_CHARS:
            if len(self._clean_texts) >= _MOST_CACHED:
                self._clean_texts.clear()
            self._clean_texts.add((text, text_kind))

    def scrub(
        self,
        text: str,
        text_kind: TextKind,
        candidates: Sequence[int] | None = None,
        *,
        depth: int = 0,
        results: dict[int, str] | None = None,
    ) -> tuple[str, list[tuple[str, int]]]:
        """Replace secrets by marks.

        Args:
            text: Any text.
            text_kind: Kind of the text, which tells the rules that apply.
            candidates: Result of `find_candidates(text)`, if it is known.
            depth: Number of layers of percent encoding that were taken off.
            results: Text that each rule returned when it was last applied; it is updated. A rule
                finds nothing in its own result, so it waits until another one changes the text.

        Returns:
            The new text (the same object if nothing was found), and each rule with its count.
        """
        counts: list[tuple[str, int]] = []
        results = {} if results is None else results
        folded = folding.fold_text(text)
        for number in self.find_candidates(text) if candidates is None else candidates:
            rule = self._rules[number] if number < len(self._rules) else None
            if rule is None or text_kind not in rule.text_kinds or results.get(number) is text:
                continue
            text, count = apply_redactions(text, rule.find(folded))
            results[number] = text
            if count:
                folded = folding.fold_text(text)
                counts.append((rule.name, count))
        if "%" in text and depth < _MOST_DECODINGS and text_kind in _PROSE_AND_LABELS:
            text, count = apply_redactions(text, self._find_encoded(folded, text_kind, depth))
            if count:
                counts.append(("encoded", count))
        return text, counts

    def _find_encoded(self, text: str, text_kind: TextKind, depth: int) -> Iterator[Redaction]:
        """Find the percent-encoded parts of folded text that would not be clean once decoded."""
        ranges = list(_ENCODED.find_ranges(text))
        for at in range(0, len(ranges), _PARTS_AT_ONCE):
            batch = ranges[at : at + _PARTS_AT_ONCE]
            # One look at many parts is enough for most of them.
            if not self._may_hide_secrets("&".join([text[start:end] for start, end in batch])):
                continue
            for start, end in batch:
                clean = self._scrub_encoded(text[start:end], text_kind, depth)
                if clean != text[start:end]:
                    yield start, end, clean

    def _may_hide_secrets(self, text: str) -> bool:
        """Tell whether a rule could find something in this text once it is decoded."""
        decoded_texts = (decode(text, errors="replace") for decode in _decoders_of(text))
        return any("%" in decoded or self.find_candidates(decoded) for decoded in decoded_texts)

    def _scrub_encoded(self, part: str, text_kind: TextKind, depth: int) -> str:
        """Scrub one `name=value`, or anything else between `?`, `&`, `;` and `#`."""
        name, sign, value = part.rpartition("=") if part.count("=") == 1 else ("", "", part)
        if "%" in name and value and value not in MARKS and self.judge.is_secret(unquote(name)):
            return f"{name}={FILTERED}"
        if "%" not in value:
            return part
        for decode in _decoders_of(value):
            decoded = decode(value, errors="replace")
            clean, counts = self.scrub(decoded, text_kind, depth=depth + 1)
            if counts:
                return f"{name}{sign}{quote(clean, safe=_UNQUOTED)}"
        return part

    def find_own_match(self, number: int) -> str | None:
        """Return the name of the rule whose pattern of the project matches a number, if any."""
        digits = str(number)
        for rule in self._rules[: len(self.rules.patterns)]:
            if any(rule.find(digits)):
                return rule.name
        return None

    def _make_own_rules(self) -> tuple[_TextRule, ...]:
        """Return the rules of the project's own patterns, which apply to every kind of text."""
        return tuple(
            _TextRule(f"pattern: {own.name}", b"", OwnPatternFinder(own).find, _ALL)
            for own in self.rules.patterns
        )

    def _make_rules(self) -> tuple[_TextRule, ...]:
        """Return the built-in rules that the project wants, in the order in which they apply.

        Names come first, so that the whole value of `password=jo@example.com` goes, not only the
        address.
        """
        rules, judge = self.rules, self.judge
        in_text = named_values.NamedValueFinder(judge).find
        in_code = partial(in_text, only_quoted=True)

        named = hints.make_named_hint(rules)
        code, labels = frozenset({TextKind.CODE}), frozenset({TextKind.LABEL})
        chosen = [
            _TextRule("private-key", hints.PRIVATE_KEY, shapes.find_private_keys, _ALL),
            _TextRule("named", named, in_text, _ALL - code),
            _TextRule("named", named, in_code, code),
            _TextRule("named", named, named_values.CommandOptionFinder(judge).find, _PROSE),
            _TextRule("markup", named, named_values.XmlElementFinder(judge).find, _PROSE),
            _TextRule("markup", named, named_values.FormPartFinder(judge).find, _PROSE),
            _TextRule(
                "sql", hints.make_insert_hint(rules), sql.InsertedValueFinder(judge).find, _PROSE
            ),
            _TextRule("sql", hints.ACCOUNT, sql.find_account_passwords, _PROSE),
            _TextRule("command", hints.LOGIN, commands.find_command_passwords, _PROSE),
            _TextRule("path", hints.PATH_TOKEN, url_paths.find_path_tokens, _PROSE),
            _TextRule("path", hints.PATH_TOKEN, url_paths.find_url_tokens, labels),
            _TextRule("url-login", hints.USERINFO, shapes.find_url_logins, _ALL),
            _TextRule("bearer", hints.SCHEMED, shapes.find_http_credentials, _ALL),
            _TextRule("jwt", hints.WEB_TOKEN, shapes.find_web_tokens, _ALL),
            _TextRule("vendor-key", hints.VENDOR_KEY, shapes.find_vendor_keys, _ALL),
            _TextRule("card", hints.CARD, cards.find_cards),
            _TextRule("card", hints.CARD, cards.find_cards_with_signs),
            _TextRule("iban", hints.IBAN, shapes.find_ibans),
            _TextRule("us-ssn", hints.SSN, shapes.find_social_security_numbers),
            _TextRule(
                "user-path",
                hints.USER_PATH,
                shapes.find_user_names_in_paths,
                _PROSE_AND_LABELS,
            ),
            _TextRule(
                "secret-like",
                hints.make_secret_like_hint(),
                _find_secret_like_word,
                frozenset({TextKind.FREE}),
            ),
        ]
        emails = _NO_LABELS if rules.user_email else _NO_NAMES
        options = (
            (rules.emails_in_text, _TextRule("email", hints.EMAIL, shapes.find_emails, emails)),
            (rules.macs, _TextRule("mac", hints.MAC, shapes.find_macs)),
            (rules.scrub_ip, _TextRule("ip", hints.ADDRESS, shapes.find_ip_addresses)),
            (rules.imeis, _TextRule("imei", hints.IMEI, shapes.find_imeis)),
            (rules.phones, _TextRule("phone", hints.PHONE, shapes.find_phone_numbers, _NO_NAMES)),
        )
        return (*chosen, *(rule for is_wanted, rule in options if is_wanted))


@lru_cache(maxsize=128)
def get_scrubber(rules: ScrubRules) -> TextScrubber:
    """Return the compiled rules; they are cached, because compiling takes milliseconds.

    Rules are checked before they are saved. Those that cannot be used any more, for example after
    an upgrade, let no text through.
    """
    try:
        return TextScrubber(rules)
    except patterns.MATCHER_ERROR:
        return TextScrubber(CLOSED_RULES)


def _decoders_of(text: str) -> tuple[Callable[..., str], ...]:
    """Return the functions that may decode percent-encoded text: a plus may be a blank."""
    return (unquote_plus, unquote) if "+" in text else (unquote,)


def _find_secret_like_word(text: str) -> Iterator[Redaction]:
    """Find a text that is a single word like `secret-1` or `password123`."""
    if text not in MARKS and _SECRET_LIKE.fullmatch(text):
        yield 0, len(text), FILTERED
