"""Passwords: argon2id, computed off the event loop, two at a time.

Source: OWASP ASVS 5.0, 6.2 and 11.4; RFC 9106.
"""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import argon2

from app.accounts import guessable
from app.core.errors import InvalidInput

SHORTEST_CHARS: Final = 12
LONGEST_CHARS: Final = 1_000

# 32 MiB and about 60 ms for a guess (measured); two at a time, so that many sign-ins at once take
# neither the memory nor the cores of the server.
_HASHER: Final = argon2.PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
_THREADS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")

# The hash of a random text that nobody has kept: it is checked where there is no account, so that
# the answer takes as long.
_NOBODY: Final = (
    "$argon2id$v=19$m=32768,t=3,p=1$tsQCV+0KMH05e6p5XT+yN"
    "A$8mIBgDrXEOiUMRQVG7YwwKXPKCiZCdruV8xKz3BTuPA"
)


@dataclass(frozen=True, slots=True)
class PasswordVerdict:
    """The result of checking a password: is it right, and is its hash weaker than new ones?"""

    is_right: bool
    is_outdated: bool


def require_good_password(password: str, *, email: str = "") -> None:
    """Make sure that a new password is good enough; the rule is the same wherever it is set.

    Args:
        password: The password as it was typed.
        email: The address of the person, whose words must not make up the password.

    Raises:
        InvalidInput: It is shorter than 12 or longer than 1,000 characters, or easily guessed.
    """
    if len(password) < SHORTEST_CHARS:
        raise InvalidInput(f"a password needs at least {SHORTEST_CHARS} characters")
    if len(password) > LONGEST_CHARS:
        raise InvalidInput(f"a password may have at most {LONGEST_CHARS} characters")
    if guessable.is_guessable(password, own_words=guessable.words_of_address(email)):
        raise InvalidInput(
            "this password is easy to guess: it is made of common words, names, years, your "
            "address, or patterns such as 12345; choose a few words that have nothing to do with "
            "each other, or let a password manager make one"
        )


async def hash_new_password(password: str, *, email: str = "") -> str:
    """Return the hash that is stored for a new password.

    Raises:
        InvalidInput: The password is not good enough.
    """
    require_good_password(password, email=email)
    return await hash_password(password)


async def hash_password(password: str) -> str:
    """Return a hash with today's parameters of a password that was accepted before."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, _HASHER.hash, _bytes(password))


async def compare_password(password_hash: str | None, password: str) -> PasswordVerdict:
    """Compare a password with a stored hash; takes as long if there is none."""
    if len(password) > LONGEST_CHARS:
        return PasswordVerdict(is_right=False, is_outdated=False)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, _check_password, password_hash, password)


def _check_password(password_hash: str | None, password: str) -> PasswordVerdict:
    try:
        _HASHER.verify(password_hash or _NOBODY, _bytes(password))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return PasswordVerdict(is_right=False, is_outdated=False)
    return PasswordVerdict(
        is_right=password_hash is not None,
        is_outdated=password_hash is not None and _HASHER.check_needs_rehash(password_hash),
    )


def _bytes(password: str) -> bytes:
    # "é" has two forms in Unicode; typed on a phone or on a desk, it must be the same password.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
