"""The order of releases."""

import pytest

from app.formats.events import release_order

IN_ORDER = [
    "shop@4.2.0-alpha",
    "shop@4.2.0-beta.2",
    "shop@4.2.0-beta.10",
    "shop@4.2.0",
    "shop@4.2.0+118",
    "shop@4.2+119",
    "shop@4.2.1",
    "shop@4.10",
    "shop@5",
]


@pytest.mark.parametrize("place", range(len(IN_ORDER) - 1))
def test_releases_are_ordered_by_version_and_build(place):
    """Numbers are compared as numbers, and early releases come before final ones."""
    one, other = IN_ORDER[place], IN_ORDER[place + 1]
    assert release_order.is_later_release(other, one) is True
    assert release_order.is_later_release(one, other) is False


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3f2a91bc", "4f2a91bc"),
        ("shop@1.0", "card@2.0"),
        ("1042", "1043"),
        ("shop@1.0", "shop@next"),
        ("", "1.0"),
    ],
)
def test_some_releases_have_no_order(one, other):
    """Commits, lone numbers, and versions of different packages have no order."""
    assert release_order.is_later_release(one, other) is None


def test_equal_releases_are_not_later():
    """Zeros at the end make no difference, and a build that is not a number does not count."""
    assert release_order.is_later_release("shop@4.2.0", "shop@4.2") is False
    assert release_order.is_later_release("shop@4.2+a1b2", "shop@4.2") is False


def test_the_latest_of_several_releases_is_found():
    """Releases without an order leave the one that is given."""
    assert release_order.find_latest_release(["1.0", "1.10", "1.9"], None) == "1.10"
    assert release_order.find_latest_release(["abc", "def"], "def") == "def"
    assert release_order.find_latest_release([], None) is None
