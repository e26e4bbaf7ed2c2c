"""Finds card numbers of 12 to 19 digits in text, in any grouping.

order 12 4111 1111 1111 1111 paid     a run of digits and gaps
      ^^ ^^^^ ^^^^ ^^^^ ^^^^          its groups: a card begins and ends with a whole group
"""

from collections.abc import Collection, Iterator
from typing import Final

from app.scrub import patterns
from app.scrub.checks import LuhnSums
from app.scrub.rules import FILTERED
from app.scrub.spans import Span

_GAP: Final = r"(?:[\s\-._/+]|%20|%2[dD]){0,3}"
_RUN: Final = patterns.compile_text(rf"[0-9](?:{_GAP}[0-9]){{11,}}")
_GROUP: Final = patterns.compile_text(r"(?:%20|%2[dD]|[^0-9])*([0-9]+)")
_DECIMAL: Final = patterns.compile_text(r"[0-9]+\.[0-9]+")
_ODD_GAPS: Final = frozenset("._/+")
"""Between the groups of a card only if no other gap is there."""
_HEX_LETTERS: Final = frozenset("abcdefABCDEF")
_MOST_GROUPS: Final = 8
"""Of a number known only by its check digit; bounds the work on a hostile text of digits."""
_ISSUERS: Final = (
    (range(4000, 5000), (13, 16, 19)),  # Visa
    (range(5100, 5600), (16,)),  # Mastercard
    (range(2221, 2721), (16,)),
    (range(3400, 3500), (15,)),  # American Express
    (range(3700, 3800), (15,)),
    (range(3000, 3060), range(14, 20)),  # Diners
    (range(3600, 3700), range(14, 20)),
    (range(3800, 4000), range(14, 20)),
    (range(3528, 3590), range(16, 20)),  # JCB
    (range(2200, 2205), range(16, 20)),  # Mir
    (range(5000, 5100), range(12, 20)),  # Maestro; also Discover, UnionPay and RuPay
    (range(5600, 7000), range(12, 20)),
    (range(8100, 8300), range(16, 20)),  # UnionPay and RuPay
)
"""First four digits, and how many digits a card number that begins so may have."""
_COMMON: Final = (
    (range(4000, 5000), 16),
    (range(5100, 5600), 16),
    (range(6011, 6012), 16),
    (range(6500, 6600), 16),
    (range(3400, 3500), 15),
    (range(3700, 3800), 15),
)
"""The numbers that most people have: they go even with a wrong check digit."""
_ISSUED_DIGITS: Final[dict[str, Collection[int]]] = {
    str(four): frozenset(counts) for fours, counts in _ISSUERS for four in fours
}
_COMMON_DIGITS: Final = {str(four): count for fours, count in _COMMON for four in fours}


class _Run:
    """One run of digits and gaps, cut into groups.

    `ends` are the places between groups, counted in digits; `starts` and `stops` are where the
    groups stand in the text.
    """

    def __init__(self, text: str, found: patterns.Match) -> None:
        groups = [
            (found.start() + g.start(1), found.start() + g.end(1))
            for g in _GROUP.finditer(found.group())
        ]
        self.starts = [start for start, _ in groups]
        self.stops = [stop for _, stop in groups]
        self.gaps = [
            text[stop:start] for stop, start in zip(self.stops, self.starts[1:], strict=False)
        ]
        self.digits = "".join(text[start:stop] for start, stop in groups)
        self.ends = [0]
        for start, stop in groups:
            self.ends.append(self.ends[-1] + stop - start)
        self.before = text[max(0, found.start() - 1) : found.start()]
        self.after = text[found.end() : found.end() + 1]
        self.is_decimal = _DECIMAL.fullmatch(found.group()) is not None
        self._numbers = {end: number for number, end in enumerate(self.ends)}
        self._sums = LuhnSums(self.digits)

    def card_from(self, first: int) -> int | None:
        """Return the group behind the card that begins with this group, if one does."""
        if self.is_decimal:
            return None
        common = _COMMON_DIGITS.get(self.digits[self.ends[first] : self.ends[first] + 4])
        if common:
            behind = self._numbers.get(self.ends[first] + common)
            if behind and self._is_apart(first, behind, is_sure=False):
                return behind
        return self._checked_from(first)

    def _checked_from(self, first: int) -> int | None:
        """The same for a card that only its check digit gives away; the longest counts."""
        start, found = self.ends[first], None
        counts = _ISSUED_DIGITS.get(self.digits[start : start + 4], ())
        for behind in range(first + 1, min(first + 1 + _MOST_GROUPS, len(self.ends))):
            end = self.ends[behind]
            if end - start in counts and self._sums.is_right(start, end):
                found = behind if self._is_apart(first, behind, is_sure=True) else found
        return found

    def _is_apart(self, first: int, behind: int, *, is_sure: bool) -> bool:
        """Tell whether the number is one thing: gaps alike, and no letter or digit beside it.

        Without that, hex ids and lists of IP addresses would be cards.
        """
        gaps = set(self.gaps[first : behind - 1])
        if len(gaps) > 1 and not _ODD_GAPS.isdisjoint("".join(gaps)):
            return False
        beside = (self.before if first == 0 else "") + (
            self.after if behind == len(self.starts) else ""
        )
        if is_sure:
            return not any(c in _HEX_LETTERS for c in beside)
        return not any(c.isalnum() or c == "_" for c in beside)


def cards(text: str) -> Iterator[Span]:
    """Find card numbers in folded text."""
    for found in _RUN.finditer(text):
        run = _Run(text, found)
        group = 0
        while group < len(run.starts):
            behind = run.card_from(group)
            if behind is None:
                group += 1
                continue
            yield run.starts[group], run.stops[behind - 1], FILTERED
            group = behind


def is_card(digits: str) -> bool:
    """Tell whether these digits alone are the number of a card that a network issues."""
    return len(digits) in _ISSUED_DIGITS.get(digits[:4], ()) and LuhnSums(digits).is_right(
        0, len(digits)
    )
