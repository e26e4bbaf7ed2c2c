"""Scrubs one text: asks the hints which rules could fit, then applies those in order."""

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
from app.scrub.matching.redactions import Redaction, apply_redactions
from app.scrub.rules import FILTERED, MARKS, ScrubRules
from app.scrub.sensitive_names import NameJudge

_ENCODED: Final = patterns.compile_text(
    r"[^\s\"'<>\\?&;#]*%(?:40|3[0-9aAdD]|[46][1-9a-fA-F]|[57][0-9aA]|25)[^\s\"'<>\\?&;#]*"
)
_SECRET_LIKE: Final = patterns.compile_text(
    r"(?:[a-z0-9]+[-_.])?(?:pass(?:wor[dt]|wd|phrase|code)|secret|(?:api|private|access)[-_]?key"
    r"|credentials?)[-_.:]?[a-z_.\-]*[0-9][^\s]*",
    any_case=True,
)
_DECODED_TIMES: Final = 2
_PARTS_AT_ONCE: Final = 64
_MOST_KEPT: Final = 16_384
_KEPT_CHARS: Final = 128
_PLAIN_IN_QUERY: Final = "[]/:,@!$*()'~"


class TextKind(Enum):
    """Which rules a text gets, by what it is."""

    FREE = auto()
    """Data of any kind: all rules."""
    TEXT = auto()
    """Prose, and names of screens and views: not the rule for lone secret-like words."""
    NAME = auto()
    """Who the user is: kept, unless it is a card or a key."""
    CODE = auto()
    """Lines of source: `password = ask()` stays."""
    LABEL = auto()
    """Versions, environments, files: `jo@host.dev` and long numbers stay, a password does not."""


_ALL: Final = frozenset(TextKind)
_NO_LABELS: Final = _ALL - {TextKind.LABEL}
_NO_NAMES: Final = _NO_LABELS - {TextKind.NAME}
_PROSE: Final = frozenset({TextKind.FREE, TextKind.TEXT})


@dataclass(frozen=True, slots=True)
class _TextRule:
    name: str
    hint: bytes
    find: Callable[[str], Iterable[Redaction]]
    text_kinds: frozenset[TextKind] = _NO_LABELS


class TextScrubber:
    """The rules of one project, compiled."""

    def __init__(self, rules: ScrubRules) -> None:
        self.rules = rules
        self.judge = NameJudge(rules)
        self._rules = self._chosen()
        extra = [hints.ADDRESS_FIELD] if rules.scrub_ip else []
        others = (hints.make_exotic_hint(), hints.ESCAPES, hints.OWNER, hints.ENCODED, *extra)
        self._kept: set[tuple[str, TextKind]] = set()
        # Rules may share a hint; the matcher is quicker when it holds each of them once.
        shared: dict[bytes, list[int]] = {}
        for number, hint in enumerate([*(rule.hint for rule in self._rules), *others]):
            shared.setdefault(hint, []).append(number)
        self._hints = patterns.BytePatternSet(list(shared))
        self._hinted = list(shared.values())

    def is_clean(self, data: bytes) -> bool:
        """Tell whether no rule can find anything in this text or JSON."""
        return not self._hints.which(data)

    def hits(self, text: str) -> Sequence[int]:
        """Return the numbers of the rules that could find something, for `scrub`."""
        found = self._hints.which(folding.fold_text(text).encode())
        return sorted(chain.from_iterable(map(self._hinted.__getitem__, found))) if found else ()

    def is_kept(self, text: str, text_kind: TextKind) -> bool:
        """Tell whether this text went through all rules lately and came out as it was."""
        return (text, text_kind) in self._kept

    def keep(self, text: str, text_kind: TextKind) -> None:
        """Remember that nothing had to go: names of files and screens come with every event."""
        if len(text) <= _KEPT_CHARS:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept.add((text, text_kind))

    def scrub(
        self,
        text: str,
        text_kind: TextKind,
        hits: Sequence[int] | None = None,
        *,
        depth: int = 0,
        left: dict[int, str] | None = None,
    ) -> tuple[str, list[tuple[str, int]]]:
        """Put marks in the place of secrets.

        Args:
            text: Any text.
            text_kind: Which rules apply.
            hits: What `hits(text)` said, if it was asked already.
            depth: How many layers of percent encoding were taken off.
            left: The text each rule left when it was applied last. A rule finds nothing in what it
                left itself, so it is not applied before another one has changed the text.

        Returns:
            The new text (the same object if nothing was found), and each rule with its count.
        """
        done: list[tuple[str, int]] = []
        left = {} if left is None else left
        folded = folding.fold_text(text)
        for number in self.hits(text) if hits is None else hits:
            rule = self._rules[number] if number < len(self._rules) else None
            if rule is None or text_kind not in rule.text_kinds or left.get(number) is text:
                continue
            text, count = apply_redactions(text, rule.find(folded))
            left[number] = text
            if count:
                folded = folding.fold_text(text)
                done.append((rule.name, count))
        if "%" in text and depth < _DECODED_TIMES and text_kind in _PROSE:
            text, count = apply_redactions(text, self._encoded(folded, text_kind, depth))
            if count:
                done.append(("encoded", count))
        return text, done

    def _encoded(self, text: str, text_kind: TextKind, depth: int) -> Iterator[Redaction]:
        """Find the percent-encoded parts of folded text that would not be clean once decoded."""
        places = list(_ENCODED.places(text))
        for at in range(0, len(places), _PARTS_AT_ONCE):
            some = places[at : at + _PARTS_AT_ONCE]
            if not self._hides("&".join([text[start:end] for start, end in some])):
                continue
            for start, end in some:
                clean = self._part(text[start:end], text_kind, depth)
                if clean != text[start:end]:
                    yield start, end, clean

    def _hides(self, text: str) -> bool:
        """Tell whether a rule could find something once this is decoded: one look at many parts."""
        plain = (decode(text, errors="replace") for decode in _decoders(text))
        return any("%" in one or self.hits(one) for one in plain)

    def _part(self, part: str, text_kind: TextKind, depth: int) -> str:
        """Return one `name=value` (or anything else between `?`, `&`, `;` and `#`) made clean."""
        name, sign, value = part.rpartition("=") if part.count("=") == 1 else ("", "", part)
        if "%" in name and value and value not in MARKS and self.judge.is_secret(unquote(name)):
            return f"{name}={FILTERED}"
        if "%" not in value:
            return part
        for decode in _decoders(value):
            plain = decode(value, errors="replace")
            clean, done = self.scrub(plain, text_kind, depth=depth + 1)
            if done:
                return f"{name}{sign}{quote(clean, safe=_PLAIN_IN_QUERY)}"
        return part

    def _chosen(self) -> tuple[_TextRule, ...]:
        """Return the rules this project wants, in the order they apply.

        Names come first, so that all of `password=jo@example.com` goes, not only the address.
        """
        rules, judge = self.rules, self.judge
        in_text = named_values.NamedValueFinder(judge).find
        in_code = partial(in_text, only_quoted=True)

        named, code = hints.make_named_hint(rules), frozenset({TextKind.CODE})
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
                _PROSE | {TextKind.LABEL},
            ),
            _TextRule(
                "secret-like",
                hints.make_secret_like_hint(),
                _secret_like,
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
    """Return the compiled rules; compiling takes milliseconds, so they are kept."""
    return TextScrubber(rules)


def _decoders(text: str) -> tuple[Callable[..., str], ...]:
    """Return the ways to read percent-encoded text: a plus may be a blank."""
    return (unquote_plus, unquote) if "+" in text else (unquote,)


def _secret_like(text: str) -> Iterator[Redaction]:
    """Find that a whole text is one word like `secret-1` or `password123`."""
    if text not in MARKS and _SECRET_LIKE.fullmatch(text):
        yield 0, len(text), FILTERED
