"""Check digits, which tell account and phone numbers from other numbers."""

from typing import Final

_ONCE: Final = bytes(max(b"0123456789".find(code), 0) for code in range(256))
_TWICE: Final = bytes(sum(divmod(2 * value, 10)) for value in _ONCE)
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
"""Length of the account numbers of each country. Source: the public IBAN registry, ISO 13616."""


def sum_luhn_digits(digits: bytes, longest: int) -> list[int]:
    """Add up the digits of every run as the Luhn check does: every second one from the end doubled.

    A hostile megabyte of digits costs one addition of long integers for each size of run, instead
    of a loop for each run.

    Args:
        digits: Digits in ASCII; any other byte counts as 0.
        longest: Size of the longest run; up to 28 its total fits a byte.

    Returns:
        An integer for each size of run, from 0 on. Its n-th byte from the lowest is the total of
        the run that begins at the n-th digit: a multiple of 10 if its check digit is right.
    """
    once = int.from_bytes(digits.translate(_ONCE), "little")
    twice = int.from_bytes(digits.translate(_TWICE), "little")
    totals = [0]
    for size in range(1, longest + 1):
        totals.append((once if size % 2 else twice) + (totals[-1] >> 8))
    return totals


def has_luhn_digit(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others."""
    last, before = digits.encode()[::-2], digits.encode()[-2::-2]
    return (sum(last.translate(_ONCE)) + sum(before.translate(_TWICE))) % 10 == 0


def is_iban(text: str, *, grouped: bool) -> bool:
    """Tell whether a text is an account number (IBAN).

    Args:
        text: Letters and digits in either case, without blanks.
        grouped: True if it was written in groups. Then its check digits must be right, because
            groups of capitals and digits are common. In one piece, country and length suffice.
    """
    upper = text.upper()
    if _IBAN_CHARS.get(upper[:2]) != len(upper):
        return False
    return not grouped or int("".join(str(int(c, 36)) for c in upper[4:] + upper[:4])) % 97 == 1
