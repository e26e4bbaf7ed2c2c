"""Tests of the rule about passwords that are easy to guess."""

import secrets
import string

import pytest

from app.accounts.common_words import COMMON_WORDS
from app.accounts.guessable import is_guessable, words_of_address
from app.accounts.passwords import LONGEST_CHARS, SHORTEST_CHARS

_SUFFIXES = ("1", "1234567890", "2026!", "qwerty")


def lengthened() -> list[str]:
    """Return the passwords that people build from a word when 12 characters are required."""
    made = {
        form
        for word in COMMON_WORDS
        for suffix in _SUFFIXES
        for form in (
            word.capitalize() + suffix,
            suffix + word,
            word + suffix + word,
            word.replace("a", "@").replace("o", "0").replace("e", "3") + suffix,
        )
    }
    return [password for password in made if len(password) >= SHORTEST_CHARS]


def test_common_words_do_not_become_good_by_a_suffix():
    """More than the three thousand that ASVS requires, of 12 characters or more, are refused."""
    candidates = lengthened()
    assert len(candidates) > 5_000
    assert [password for password in candidates if not is_guessable(password)] == []


@pytest.mark.parametrize(
    "password",
    [
        "123456789012",
        "098765432109",
        "111111111111",
        "121212121212",
        "123123123123",
        "aaaaaaaaaaaaaaaa",
        "abcdefghijkl",
        "qwertyuiop12",
        "qwertzuiop12",
        "1qaz2wsx3edc",
        "zaq12wsxcde3",
        "1q2w3e4r5t6y",
        "passwordpassword",
        "password password",
        "PasswordPassword1!",
        "P@$$w0rd2026",
        "iloveyou1234",
        "Summer2026!!",
        "LetMeIn.Please",
        "correcthorsebatterystaple",
        "correct-horse-battery-staple",
        "playheadplayhead",
        "Playhead2026!",
        "пароль123456",  # noqa: RUF001 - Russian
        "\uff50assword1234",
        "abc-abc-abc-abc",
        "x" * LONGEST_CHARS,
        "q7" * 500,
    ],
)
def test_what_everybody_tries_first_is_refused(password: str):
    """Sequences, repetitions, keyboard walks, common words and their spellings are refused."""
    assert is_guessable(password)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "tower lamp window",
        "purple monkey dishwasher",
        "xk7q-mz2p-vb9t",
        "T4k-o;9)bL2w",
        "der kuchen steht im regal",
        "дверь лампа окно",
        "窓際の猫は昼寝が好き今日",
    ],
)
def test_a_few_unrelated_words_are_good(password: str):
    """Several unrelated words, also of other languages, and random characters are accepted."""
    assert not is_guessable(password)


def test_what_a_password_manager_makes_is_good():
    """A thousand random passwords are accepted."""
    letters = string.ascii_letters + string.digits
    made = ["".join(secrets.choice(letters) for _ in range(16)) for _ in range(1_000)]
    assert [password for password in made if is_guessable(password)] == []


@pytest.mark.parametrize(
    "password",
    ["ada.lovelace99", "LovelaceAda1815", "analytical-engine", "Ada1ada2ada3", "4da.l0velace"],
)
def test_ones_own_address_is_guessed_first(password: str):
    """Parts of one's address count as common words; for somebody else they may be good."""
    own = words_of_address("ada.lovelace@analytical-engine.co.uk")
    assert is_guessable(password, own_words=own)


def test_a_short_part_of_an_address_says_nothing():
    """An address like `x@y.de` does not make every password with an x a bad one."""
    assert not is_guessable("xkyq-mzxp-vbyt", own_words=words_of_address("x@y.de"))
    assert not is_guessable("tower lamp window", own_words=words_of_address(""))
