"""Tests of how many passwords may be checked at once."""

from contextlib import ExitStack

import pytest

from app.accounts.admission import PasswordAdmission
from app.core.errors import TooManyAttempts


def test_few_may_wait_and_still_fewer_of_one_network():
    """Three in all and two of one network are checked; others are told to try again."""
    admission = PasswordAdmission(limit=3, limit_of_network=2)
    with ExitStack() as held:
        held.enter_context(admission.admit("a"))
        held.enter_context(admission.admit("a"))
        with pytest.raises(TooManyAttempts, match="in a few seconds") as refused:
            held.enter_context(admission.admit("a"))
        assert refused.value.wait_s == 5
        held.enter_context(admission.admit("b"))
        with pytest.raises(TooManyAttempts):
            held.enter_context(admission.admit("c"))
    with admission.admit("a"):
        pass


def test_a_place_is_given_back_whatever_happens():
    """Networks from which nobody waits take no memory."""
    admission = PasswordAdmission(limit=1, limit_of_network=1)
    for number in range(3):
        with pytest.raises(KeyError), admission.admit(f"network {number}"):
            raise KeyError
    assert not admission._by_network
