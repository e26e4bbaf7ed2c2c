"""Check digits: tells account and phone numbers from numbers that only look like them."""

from itertools import accumulate
from typing import Final

_VALUES: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_IS_ZERO: Final = bytes([1, *bytes(255)])
_DOUBLED: Final = bytes.maketrans(bytes(range(10)), bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_IBAN_CHARS: Final[dict[str, int]] = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
"""How long the account numbers of a country are. Source: the public IBAN registry, ISO 13616."""


class LuhnSums:
    """Answers for any stretch of a long run of digits whether its check digit is right.

    Check digits are counted from their end, every second one doubled. The sums are made once for
    either way to begin, so a hostile megabyte of digits costs one pass, not one per stretch.
    """

    def __init__(self, digits: str) -> None:
        even = bytearray(digits.encode()).translate(_VALUES)
        odd = bytearray(even)
        even[1::2] = even[1::2].translate(_DOUBLED)
        odd[::2] = odd[::2].translate(_DOUBLED)
        evens = bytes([total % 10 for total in accumulate(even, initial=0)])
        self._as_ends = bytearray(total % 10 for total in accumulate(odd, initial=0))
        self._others = bytearray(evens)
        self._others[1::2], self._as_ends[1::2] = self._as_ends[1::2], evens[1::2]

    def is_right(self, start: int, end: int) -> bool:
        """Tell whether `digits[start:end]` ends in its check digit."""
        return self._as_ends[end] == self._as_starts(end - start)[start]

    def are_right(self, size: int) -> bytes:
        """Tell for every place whether so many digits from there are right: 1, else 0."""
        ends = self._as_ends[size:]
        apart = _number(ends) ^ _number(self._as_starts(size)[: len(ends)])
        return apart.to_bytes(len(ends), "little").translate(_IS_ZERO)

    def _as_starts(self, size: int) -> bytearray:
        return self._others if size % 2 else self._as_ends


def _number(data: bytes | bytearray) -> int:
    return int.from_bytes(data, "little")


def is_luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others."""
    return LuhnSums(digits).is_right(0, len(digits))


def is_iban(text: str, *, grouped: bool) -> bool:
    """Tell whether this is an account number.

    Args:
        text: Letters and digits in either case, without blanks.
        grouped: It was written in groups; then the check digits must be right, because groups
            of capitals and digits are common. In one piece, country and length are enough.
    """
    upper = text.upper()
    if _IBAN_CHARS.get(upper[:2]) != len(upper):
        return False
    return not grouped or int("".join(str(int(c, 36)) for c in upper[4:] + upper[:4])) % 97 == 1
