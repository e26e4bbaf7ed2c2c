"""Passwords: their length, their rule, and the equal time of all checks."""

import pytest

from app.accounts import passwords
from app.accounts.passwords import LONGEST_CHARS, SHORTEST_CHARS, PasswordVerdict
from app.core.errors import InvalidInput
from app.memberships.model import Role

RIGHT = PasswordVerdict(is_right=True, is_outdated=False)
WRONG = PasswordVerdict(is_right=False, is_outdated=False)
TEXT = "tower lamp window horse " * 50


@pytest.mark.parametrize("length", [SHORTEST_CHARS, LONGEST_CHARS])
async def test_a_password_of_any_good_length_is_known_again(length: int):
    """12 to 1,000 characters are accepted; one different character makes a password wrong."""
    stored_hash = await passwords.hash_new_password(TEXT[:length])
    assert await passwords.compare_password(stored_hash, TEXT[:length]) == RIGHT
    assert await passwords.compare_password(stored_hash, "p" * (length - 1)) == WRONG


@pytest.mark.parametrize("length", [0, SHORTEST_CHARS - 1, LONGEST_CHARS + 1])
async def test_a_password_too_short_or_too_long_is_refused(length: int):
    """11 characters are too few, 1,001 too many."""
    with pytest.raises(InvalidInput, match="characters"):
        await passwords.hash_new_password(TEXT[:length])
    assert await passwords.compare_password(None, TEXT[:length]) == WRONG


async def test_a_password_that_is_guessed_first_is_refused():
    """A password made of the person's own address is refused too."""
    with pytest.raises(InvalidInput, match="easy to guess"):
        await passwords.hash_new_password("123456789012")
    with pytest.raises(InvalidInput, match="easy to guess"):
        await passwords.hash_new_password("tower-window-lamp", email="tower.window@lamp.example")
    assert await passwords.hash_new_password("tower-window-lamp", email="ada@example.com")


async def test_one_text_typed_two_ways_is_one_password():
    """é is the same as one character and as two; a lone surrogate breaks nothing."""
    stored_hash = await passwords.hash_new_password("caf\u00e9 noir sans sucre")
    assert await passwords.compare_password(stored_hash, "cafe\u0301 noir sans sucre") == RIGHT
    assert await passwords.compare_password(stored_hash, "\ud800" * 12) == WRONG


async def test_nobody_has_a_password():
    """Every password of an address without an account is wrong, after the same computation."""
    assert await passwords.compare_password(None, "p" * 12) == WRONG
    ours = passwords._HASHER
    assert not ours.check_needs_rehash(passwords._NOBODY)


async def test_a_hash_that_is_none_lets_nobody_in():
    """A damaged hash is a wrong password, not a crash."""
    assert await passwords.compare_password("not a hash", "p" * 12) == WRONG


def test_a_role_includes_the_weaker_ones():
    """Each role includes the rights of the roles below it."""
    order = [Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER]
    for place, role in enumerate(order):
        assert [role.includes(other) for other in order] == [
            other_place >= place for other_place in range(4)
        ]
