"""Tests of the addresses of tickets that people paste."""

import pytest
from hypothesis import given, strategies

from app.core.errors import InvalidInput
from app.core.ticket_address import ADDRESS_CHARS, read_ticket_address


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://github.com/acme/shop/issues/12", "acme/shop#12"),
        ("https://github.com/acme/shop/issues/12#issuecomment-3", "acme/shop#12"),
        ("https://gitlab.example/acme/apps/shop/-/issues/12", "acme/apps/shop#12"),
        ("https://acme.atlassian.net/browse/SHOP-12?focusedId=1", "SHOP-12"),
        ("https://jira.acme.example/jira/browse/SHOP_A-12", "SHOP_A-12"),
        ("https://linear.app/acme/issue/ENG-12/pay-now-fails", "ENG-12"),
        ("http://tracker.lan:8080/show?id=12", "tracker.lan: show"),
        ("https://tracker.example", "tracker.example"),
        ("https://tracker.example/b%C3%BCro/%E2%80%AEgnp", "tracker.example: gnp"),
        (f"https://tracker.example/{'x' * 200}", f"tracker.example: {'x' * 62}…"),
    ],
)
def test_a_ticket_is_called_as_people_call_it(url, label):
    """Each tracker has its own short name for a ticket; of others, host and last part remain."""
    address = read_ticket_address(f"  {url}\n")
    assert (address.url, address.label) == (url, label)


@pytest.mark.parametrize(
    "url",
    [
        "", "  ", "SHOP-12", "javascript:alert(1)", "data:text/html,x", "//evil.example/x",
        "https://", "https:///path", "https://user:pw@evil.example/x", "https://a@evil.example",
        "https://evil.example\\@good.example", "https://a b.example", "https://a.example/\u202ex",
        "https://a.example/\nx", "https://a.example:99999", "https://[broken", "ftp://a.example/1",
        "https://a.example/" + "x" * ADDRESS_CHARS,
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(url):
    """A link that people click must lead where it says."""
    with pytest.raises(InvalidInput):
        read_ticket_address(url)


@given(strategies.text() | strategies.text().map(lambda text: f"https://a.example/{text}"))
def test_any_text_is_an_address_or_refused(text):
    """Labels are short, visible and on one line."""
    try:
        address = read_ticket_address(text)
    except InvalidInput:
        return
    assert address.url.startswith(("http://", "https://"))
    assert len(address.label) <= 80
    assert len(address.label.splitlines()) == 1
