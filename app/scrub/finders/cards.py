"""Finds card numbers of 12 to 19 digits in text, in any grouping.

order 12 4111 1111 1111 1111 paid     a run of digits and gaps
      ^^ ^^^^ ^^^^ ^^^^ ^^^^          its groups: a card begins and ends with a whole group

All runs of a text are checked together: a byte for each digit, in long integers, so that one
operation serves all places. Checked one by one, a text of digits would take ten times as long.
"""

from array import array
from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from itertools import accumulate, compress
from typing import Final

from app.scrub.finders import check_digits
from app.scrub.matching import patterns
from app.scrub.matching.patterns import TextRange
from app.scrub.matching.redactions import Redaction
from app.scrub.rules import FILTERED

_BLANK: Final = r"[\s\-]|%20|%2[dD]"
_RUN: Final = patterns.compile_text(rf"[0-9](?:(?:{_BLANK}){{0,3}}[0-9]){{11,}}")
"""A run of groups with blanks and dashes between them, in any mix."""
_ODD_RUN: Final = patterns.compile_text(
    "|".join(
        rf"[0-9](?:(?:{gap})?[0-9]){{11,}}"
        for sign in (r"\.", "_", "/", r"\+")
        for gap in (sign, sign * 2, sign * 3, f"{sign} ", f" {sign}", f" {sign} ")
    ),
    is_longest=True,
)
"""A run of groups with one other sign between them; if it could vary, a list of IP addresses would
match."""
_FEWEST_DIGITS: Final = 12
_MOST_DIGITS: Final = 19
_ISSUER_DIGITS: Final = 4
_MOST_GROUPS: Final = 8
"""Groups of a number that is recognised by its check digit only: now and then, a list of small
numbers has one, too."""
_FRACTION_GROUPS: Final = 2
_HEX_LETTERS: Final = frozenset("abcdefABCDEF")
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
"""First four digits of card numbers, with the numbers of digits that they may have."""
_COMMON_ISSUERS: Final = (
    (range(4000, 5000), 16),
    (range(5100, 5600), 16),
    (range(6011, 6012), 16),
    (range(6500, 6600), 16),
    (range(3400, 3500), 15),
    (range(3700, 3800), 15),
)
"""Cards that most people have; their numbers go even with a wrong check digit."""
_ISSUED_DIGITS: Final[dict[str, tuple[int, ...]]] = {
    str(four): tuple(sorted(counts, reverse=True)) for fours, counts in _ISSUERS for four in fours
}
_COMMON_DIGITS: Final = {str(four): count for fours, count in _COMMON_ISSUERS for four in fours}


def _table(chosen: Container[int]) -> bytes:
    """Return a translation table that turns these bytes into 1 and others into 0."""
    return bytes(code in chosen for code in range(256))


_CHECKED: Final = {
    size: _table({int(four[:2]) for four, sizes in _ISSUED_DIGITS.items() if size in sizes})
    for size in range(_FEWEST_DIGITS, _MOST_DIGITS + 1)
}
"""Tables by number of digits: whether a card may begin with the two digits of an index."""
_COMMON: Final = {
    size: _table({int(four[:2]) for four, own in _COMMON_DIGITS.items() if own == size})
    for size in set(_COMMON_DIGITS.values())
}
_DIGITS: Final = "0123456789"
_LASTS: Final = "abcdefghij"
"""Stand-ins for the digits that end a group."""
_GAP: Final = "|"
_BREAK: Final = "x"
_GAPS: Final = str.maketrans(dict.fromkeys(" \t\n\r\f-._/+", _GAP))
_PLAIN: Final = bytes.maketrans(_LASTS.encode(), _DIGITS.encode())
_IS_LAST: Final = _table(_LASTS.encode())
_IS_BREAK: Final = _table(_BREAK.encode())
_IS_DIGIT_OR_BREAK: Final = _table((_DIGITS + _BREAK).encode())
_IS_TENFOLD: Final = bytes(total % 10 == 0 for total in range(256))


class _DigitRuns:
    """The runs of a text in one row: a byte for each digit, and one for each break between runs."""

    def __init__(self, text: str, ranges: Sequence[TextRange]) -> None:
        self._text, self._ranges = text, ranges
        joined = _BREAK.join([text[start:end] + _GAP for start, end in ranges])
        if "%" in joined:
            joined = joined.replace("%20", "   ").replace("%2d", "   ").replace("%2D", "   ")
        self._joined = joined
        # Gaps are removed after they have marked the digit before them as the last of its group.
        groups = joined.translate(_GAPS)
        while _GAP * 2 in groups:
            groups = groups.replace(_GAP * 2, _GAP)
        for digit, last in zip(_DIGITS, _LASTS, strict=True):
            groups = groups.replace(digit + _GAP, last)
        row = groups.encode()
        self._lasts, digits = row.translate(_IS_LAST), row.translate(_PLAIN)
        self._digits = digits.decode()
        self._common, self._checked = self._find_candidates(digits)

    def _find_candidates(self, digits: bytes) -> tuple[dict[int, bytes], dict[int, bytes]]:
        """Return where cards may begin, by size: common ones, and ones with a right check digit."""
        # Each integer holds a byte for each position of the row, 1 or 0. Shifting it right by 8
        # bits looks one position ahead, so that every operation serves all positions at once.
        count = len(digits)
        breaks, lasts = _to_int(digits.translate(_IS_BREAK)), _to_int(self._lasts)
        # A group starts at the beginning, after a break, and after the last digit of a group.
        starts, broken = ((breaks | lasts) << 8 | 1) & ~breaks, breaks
        totals = check_digits.sum_luhn_digits(digits, _MOST_DIGITS)
        pairs = _to_bytes(10 * totals[1] + (totals[1] >> 8), count)
        common: dict[int, bytes] = {}
        checked: dict[int, bytes] = {}
        for size in range(2, _MOST_DIGITS + 1):
            broken = breaks | broken >> 8  # A break is among the next `size` positions.
            whole = starts & lasts >> 8 * (size - 1) & ~broken
            if size < _FEWEST_DIGITS or not whole:
                continue
            if begins := whole & _to_int(pairs.translate(_CHECKED[size])):
                rights = _to_bytes(totals[size], count).translate(_IS_TENFOLD)
                checked[size] = _to_bytes(begins & _to_int(rights), count)
            if size in _COMMON:
                common[size] = _to_bytes(whole & _to_int(pairs.translate(_COMMON[size])), count)
        return common, checked

    def find_cards(self) -> Iterator[Redaction]:
        """Find the cards, one after the other; each begins and ends with a whole group."""
        starts = 0
        for candidates in (*self._common.values(), *self._checked.values()):
            starts |= _to_int(candidates)
        if not starts:
            return
        is_start = _to_bytes(starts, len(self._digits))
        self._map_to_text()
        at = is_start.find(1)
        while at >= 0:
            size = self._find_size(at)
            if size:
                yield self._in_text(at), self._in_text(at + size - 1) + 1, FILTERED
            at = is_start.find(1, at + max(size, 1))

    def _map_to_text(self) -> None:
        """Prepare the tables with which `_in_text` finds digits of the row in the text."""
        flags = self._joined.encode().translate(_IS_DIGIT_OR_BREAK)
        self._in_joined = array("I", compress(range(len(flags)), flags))
        sizes = [end - start + len(_GAP + _BREAK) for start, end in self._ranges]
        self._run_starts = list(accumulate(sizes, initial=0))

    def _in_text(self, at: int) -> int:
        """Return the position in the text of a digit of the row."""
        position = self._in_joined[at]
        run = bisect_right(self._run_starts, position) - 1
        return self._ranges[run][0] + position - self._run_starts[run]

    def _find_size(self, at: int) -> int:
        """Return the number of digits of the longest card that begins here, or 0."""
        four = self._digits[at : at + _ISSUER_DIGITS]
        size = _COMMON_DIGITS.get(four, 0)
        if size in self._common and self._common[size][at] and self._is_apart(at, size):
            return size  # Its check digit may be wrong.
        for size in _ISSUED_DIGITS.get(four, ()):
            if size in self._checked and self._checked[size][at]:
                is_short = self._count_groups(at, size) <= _MOST_GROUPS
                if is_short and self._is_apart(at, size, is_sure=True):
                    return size
        return 0

    def _count_groups(self, at: int, size: int) -> int:
        return self._lasts.count(1, at, at + size)

    def _is_apart(self, at: int, size: int, *, is_sure: bool = False) -> bool:
        """Tell whether the number stands alone: no letter, digit or decimal point is beside it.

        Otherwise hex ids and fractions would be cards.
        """
        text, digits, before, after = self._text, self._digits, "", ""
        if at == 0 or digits[at - 1] == _BREAK:
            start = self._in_text(at)
            before = text[max(0, start - 2) : start]
        if digits[at + size : at + size + 1] in {"", _BREAK}:
            end = self._in_text(at + size - 1) + 1
            after = text[end : end + 2]
        is_fraction = before[-1:] == "." and before[0].isdigit()
        is_fraction = is_fraction or (after[:1] == "." and after[1:].isdigit())
        if is_fraction and self._count_groups(at, size) <= _FRACTION_GROUPS:
            return False
        beside = before[-1:] + after[:1]
        if is_sure:
            return _HEX_LETTERS.isdisjoint(beside)
        return not any(c.isalnum() or c == "_" for c in beside)


def find_cards(text: str) -> Iterator[Redaction]:
    """Find card numbers in one piece or with blanks and dashes, in folded text."""
    return _find_cards_in(text, list(_RUN.find_ranges(text)))


def find_cards_with_signs(text: str) -> Iterator[Redaction]:
    """Find card numbers with other signs between their groups, in folded text."""
    return _find_cards_in(
        text, [run for run in _ODD_RUN.find_ranges(text) if not _is_decimal(text[slice(*run)])]
    )


def is_card_number(digits: str) -> bool:
    """Tell whether these digits are a card number that a network issues, with its check digit."""
    sizes = _ISSUED_DIGITS.get(digits[:_ISSUER_DIGITS], ())
    return len(digits) in sizes and check_digits.has_luhn_digit(digits)


def _find_cards_in(text: str, runs: Sequence[TextRange]) -> Iterator[Redaction]:
    return _DigitRuns(text, runs).find_cards() if runs else iter(())


def _is_decimal(run: str) -> bool:
    """Tell whether a run is one number with a decimal point."""
    return "." in run and run.replace(".", "", 1).isdigit()


def _to_int(row: bytes) -> int:
    """Return bytes as a number whose lowest byte is the first."""
    return int.from_bytes(row, "little")


def _to_bytes(number: int, count: int) -> bytes:
    """Return a number made by `_to_int` as bytes."""
    return number.to_bytes(count + 1, "little")
