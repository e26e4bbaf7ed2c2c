"""Finds passwords that are easily guessed: common words, patterns, one's own address.

A list of common passwords holds few of 12 characters or more. People lengthen a short one instead:
`Summer2026!!`, `passwordpassword`, `qwertyuiop12`. So a password is split into the pieces that such
passwords are made of. A known piece counts as two characters, and enough characters must remain.

    S u m m e r 2 0 2 6 ! !     a common word, a year and two characters: 2 + 2 + 2 = 6 of 8

Source: OWASP ASVS 5.0, 6.2.4 and 6.2.11; NIST SP 800-63B-4, section 3.1.1.2.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from app.accounts.common_words import COMMON_WORDS

_FEWEST_TO_GUESS: Final = 8
"""The characters that must remain to be guessed."""
_PIECE_COST: Final = 2
"""The characters that a known piece counts as, however long it is."""
_LONGEST_READ_CHARS: Final = 64
_SHORTEST_WORD: Final = 3
_SHORTEST_RUN: Final = 3
_SHORTEST_WALK: Final = 4

_SEPARATORS: Final = re.compile(r"[\s\-_.,;:/'\"]+")
_YEAR: Final = re.compile(r"(?:1\d|20)\d\d")
_WALKS: Final = (
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm",
    "wxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "1a2b3c4d5e6f7g8h9i", "a1b2c3d4e5f6g7h8i9",
    "147258369", "741852963", "123654789", "159357", "1029384756", "!@#$%^&*()", '!"§$%&/()=',
    "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю",
)  # fmt: skip
_ALL_WALKS: Final = "\n".join(
    _SEPARATORS.sub("", walk) for walk in (*_WALKS, *(walk[::-1] for walk in _WALKS))
)
# Letters that are written as digits and signs; 1 stands for i or l.
_AS_LETTERS: Final = tuple(
    str.maketrans("@43105$7!|", f"aae{letter}osst{letter}{letter}") for letter in ("i", "l")
)


def is_guessable(password: str, *, own_words: tuple[str, ...] = ()) -> bool:
    """Tell whether a password is made of pieces that attackers try first.

    Args:
        password: The password as it was typed.
        own_words: Words that have to do with the person, such as the parts of their address.
    """
    text = _SEPARATORS.sub("", unicodedata.normalize("NFKC", password).casefold())
    text = _without_repetition(text)[:_LONGEST_READ_CHARS]
    return (
        _characters_to_guess(text, COMMON_WORDS.union(_select_words(own_words))) < _FEWEST_TO_GUESS
    )


def words_of_address(email: str) -> tuple[str, ...]:
    """Return the words of an e-mail address that a password must not be made of."""
    name, _, host = email.casefold().partition("@")
    # The last label is `com` or the like.
    labels = host.split(".")[:-1]
    return (name, *re.split(r"[^\w]+|_|\d+", name), *labels, *re.split(r"\W+", host))


def _select_words(words: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        if len(word) >= _SHORTEST_WORD:
            yield word
            yield _SEPARATORS.sub("", word)


def _without_repetition(text: str) -> str:
    """Return the part of a text whose repetition is the whole text: `abcabcab` gives `abc`."""
    for length in range(1, len(text) // 2 + 1):
        if text[length:] == text[:-length]:
            return text[:length]
    return text


def _characters_to_guess(text: str, words: frozenset[str]) -> int:
    """Split a text so that as few characters as possible have to be guessed, and count those.

    A piece that was there before costs nothing.
    """
    spellings = (text, *(text.translate(table) for table in _AS_LETTERS))
    # For each position: the cost of the text up to it, and where its last piece begins.
    best: list[tuple[int, int]] = [(0, 0)]
    for end in range(1, len(text) + 1):
        best.append((best[end - 1][0] + 1, end - 1))
        for start in range(end - 1):
            cost = best[start][0] + _PIECE_COST
            if cost < best[end][0] and _is_known(spellings, start, end, words):
                best[end] = cost, start
    pieces: set[str] = set()
    cost, end = 0, len(text)
    while end:
        start = best[end][1]
        if end - start == 1:
            cost += 1
        else:
            pieces.add(text[start:end])
        end = start
    return cost + _PIECE_COST * len(pieces)


def _is_known(spellings: tuple[str, ...], start: int, end: int, words: frozenset[str]) -> bool:
    piece = spellings[0][start:end]
    return (
        any(spelling[start:end] in words for spelling in spellings)
        or (len(piece) >= _SHORTEST_RUN and _is_run(piece))
        or (len(piece) >= _SHORTEST_WALK and piece in _ALL_WALKS)
        or _YEAR.fullmatch(piece) is not None
    )


def _is_run(piece: str) -> bool:
    """Tell whether a text repeats one character, or counts up or down."""
    step = _measure_step(piece[0], piece[1])
    return abs(step) <= 1 and all(
        _measure_step(left, right) == step for left, right in pairwise(piece)
    )


def _measure_step(left: str, right: str) -> int:
    """Return the distance between two characters; 0 follows 9, as on a keyboard."""
    if (left, right) == ("9", "0"):
        return 1
    return -1 if (left, right) == ("0", "9") else ord(right) - ord(left)
