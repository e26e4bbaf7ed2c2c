"""Finds card numbers of 12 to 19 digits in text, in any grouping.

order 12 4111 1111 1111 1111 paid     a run of digits and gaps
      ^^ ^^^^ ^^^^ ^^^^ ^^^^          its groups: a card begins and ends with a whole group
"""

from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import accumulate, count
from typing import Final

from app.scrub import patterns
from app.scrub.checks import LuhnSums
from app.scrub.rules import FILTERED
from app.scrub.spans import Span

_GAP: Final = r"(?:[\s\-._/+]|%20|%2[dD]){0,3}"
_RUN: Final = patterns.compile_text(rf"[0-9](?:{_GAP}[0-9]){{11,}}")
_ENCODED_GAP: Final = patterns.compile_text(r"%20|%2[dD]")
_DECIMAL: Final = patterns.compile_text(r"[0-9]+\.[0-9]+")
_ODD_GAPS: Final = frozenset("._/+")
"""Between the groups of a card only if no other gap is there."""
_ISSUER_DIGITS: Final = 4
_FEWEST_DIGITS: Final = 12
_MOST_DIGITS: Final = 19
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
        run, begin = found.group(), found.start()
        is_encoded = "%" in run
        pieces = patterns.digits_apart(_ENCODED_GAP.sub("   ", run) if is_encoded else run)
        edges = list(accumulate(map(len, pieces), initial=begin))
        self.starts, self.stops = edges[:-1:2], edges[1::2]
        self.gaps = pieces[1::2]
        if is_encoded:
            between = zip(self.stops, self.starts[1:], strict=False)
            self.gaps = [text[stop:start] for stop, start in between]
        groups = pieces[::2]
        self.digits = "".join(groups)
        self.ends = list(accumulate(map(len, groups), initial=0))
        self.before = text[max(0, begin - 1) : begin]
        self.after = text[found.end() : found.end() + 1]
        self.is_decimal = _DECIMAL.fullmatch(run) is not None
        self._numbers = dict(zip(self.ends, count(), strict=False))

    @cached_property
    def _sums(self) -> LuhnSums:
        return LuhnSums(self.digits)

    @cached_property
    def _likely(self) -> bytes:
        """Of every digit: 1 if some groups from there on end in their check digit, else 0.

        All at once, in the processor's words: one by one, ten times as long on a text of digits.
        """
        edges = bytearray(len(self.digits) + 1)
        for end in self.ends:
            edges[end] = 1
        found = 0
        for size in range(_FEWEST_DIGITS, min(_MOST_DIGITS, len(self.digits)) + 1):
            rights = self._sums.are_right(size)
            found |= int.from_bytes(rights, "little") & int.from_bytes(edges[size:], "little")
        return found.to_bytes(len(edges), "little")

    def cards(self) -> Iterator[Span]:
        """Find the cards, one behind the other; each begins and ends with a whole group."""
        group, digits, ends = 0, self.digits, self.ends
        while not self.is_decimal and group < len(self.starts):
            start, behind = ends[group], None
            four = digits[start : start + _ISSUER_DIGITS]
            if four in _COMMON_DIGITS:
                behind = self._common_from(group, _COMMON_DIGITS[four])
            if behind is None and four in _ISSUED_DIGITS and self._likely[start]:
                behind = self._checked_from(group, _ISSUED_DIGITS[four])
            if behind is None:
                group += 1
                continue
            yield self.starts[group], self.stops[behind - 1], FILTERED
            group = behind

    def _common_from(self, first: int, size: int) -> int | None:
        """Return the group behind the number that begins with this group, if it has so many digits.

        Its check digit may be wrong.
        """
        behind = self._numbers.get(self.ends[first] + size)
        return behind if behind and self._is_apart(first, behind, is_sure=False) else None

    def _checked_from(self, first: int, counts: Collection[int]) -> int | None:
        """The same for a card that only its check digit gives away; the longest counts."""
        start, *ends = self.ends[first : first + _MOST_GROUPS + 1]
        while ends and (size := ends[-1] - start) >= _FEWEST_DIGITS:
            if size in counts and self._sums.is_right(start, ends[-1]):
                behind = first + len(ends)
                if self._is_apart(first, behind, is_sure=True):
                    return behind
            ends.pop()
        return None

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
        yield from _Run(text, found).cards()


def is_card(digits: str) -> bool:
    """Tell whether these digits alone are the number of a card that a network issues."""
    return len(digits) in _ISSUED_DIGITS.get(digits[:_ISSUER_DIGITS], ()) and LuhnSums(
        digits
    ).is_right(0, len(digits))
