"""Tests of the paths to which addresses of requests are shortened."""

import pytest

from app.formats.request_path import shorten_url_to_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://a.example/v1/pay?token=x#top", "/v1/pay"),
        ("/pay?token=x", "/pay"),
        ("pay#token", "pay"),
        ("//user:word@a.example/pay", "/pay"),
        ("https://a.example?token=x", "/"),
        ("https://[broken", "/"),
        ("/pay?first\nsecond", "/pay"),
        ("/sign-in?next=https://a.example/x", "/sign-in"),
        ("a request", "a request"),
        ("", "/"),
    ],
)
def test_a_path_has_no_host_and_no_query(url: str, path: str):
    """Neither of whole nor of relative nor of broken addresses."""
    assert shorten_url_to_path(url) == path
