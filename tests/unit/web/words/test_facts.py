"""Tests of facts in words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.playback.ending import ReplayEnding
from app.replays import naming
from app.web.urls import list_urls
from app.web.words.people import browsers
from app.web.words.replay import facts
from tests.unit.playback.stored import replay


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"name": "Ada", "email": "a@b.example"}, "Ada"),
        ({"email": "a@b.example", "id": "7"}, "a@b.example"),
        ({"id": "7", "username": ""}, "7"),
        ({"ip_address": "192.0.2.1"}, None),
    ],
)
def test_a_user_is_named_by_what_is_known(user: dict[str, str], expected: str | None):
    """The name comes before e-mail, username and id; an IP address is not used."""
    assert naming.name_user(user) == expected


def test_a_device_is_named_once():
    """A model that begins with its brand does not repeat it."""
    assert naming.name_device({"device_brand": "Google", "device_model": "Pixel 9"}) == (
        "Google Pixel 9"
    )
    assert naming.name_device({"device_brand": "Google", "device_model": "google x"}) == "google x"
    assert naming.name_device({"device_family": "iPhone"}) == "iPhone"
    assert naming.name_device({}) is None


def test_an_app_is_named_by_version_or_release():
    """The build follows in parentheses where there is one."""
    assert naming.name_app({"app_version": "4.2", "app_build": "8"}) == "4.2 (8)"
    assert naming.name_app({"app_version": "4.2"}) == "4.2"
    assert naming.name_app({"release": "shop@4.2"}) == "shop@4.2"


def test_facts_stand_under_headings():
    """Empty groups and facts that are not text are left out."""
    it = replay(facts={"os_name": "Android", "tags": {"b": "2", "a": "1"}, "dist": 7})
    groups = {group.title: group for group in facts.list_fact_groups(it, options=None, ending=None)}
    assert set(groups) == {"Recording", "Device", "Tags"}
    assert [fact.name for fact in groups["Tags"].facts] == ["a", "b"]
    assert facts.list_chips(it.facts)[0].value == "Android"


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ({"maskAllText": False}, "Text is not masked by default in this replay."),
        ({"maskAllImages": False}, "Images are not masked by default in this replay."),
        (
            {"maskAllText": False, "maskAllImages": False},
            "Text and images are not masked by default in this replay.",
        ),
        ({"maskAllText": True, "maskAllImages": True}, None),
    ],
)
def test_what_is_not_masked_is_warned_of(options: dict[str, bool], warning: str | None):
    """The SDK's settings say it; without them nothing is claimed."""
    groups = facts.list_fact_groups(replay(), options=options, ending=ReplayEnding.CLOSED)
    assert groups[-1].warning == warning
    ended = groups[0].facts[-1]
    assert ended.value == "closed"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko Firefox/144.0", "Firefox 144 on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537 Edg/140.1", "Edge 140 on Windows"),
        ("Mozilla/5.0 (Android 16) Chrome/140.0 Mobile Safari/537", "Chrome 140 on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18) Version/18.1 Mobile/15E Safari/604",
            "Safari 18 on iOS",
        ),
        ("Chrome/1", "Chrome 1"),
        ("curl/8.5", "curl/8.5"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named(user_agent: str, expected: str):
    """The browser is the one it is, among those that its user agent claims to be."""
    assert browsers.name_browser(user_agent) == expected


@pytest.mark.parametrize(
    ("after", "note"), [(timedelta(minutes=9), None), (timedelta(hours=3), "3 h later: ")]
)
def test_a_replay_that_came_late_says_by_how_much(after: timedelta, note: str | None):
    """One that a phone kept back for hours is not taken for one of today."""
    it = replay()
    groups = facts.list_fact_groups(
        replace(it, first_received_at=it.started_at + after), options=None, ending=None
    )
    received = {fact.name: fact for fact in groups[0].facts}["First received"]
    assert received.value == it.started_at + after
    assert (received.note or "").startswith(note or "")
    assert (received.note is None) == (note is None)


@pytest.mark.parametrize("ending", ReplayEnding)
def test_every_ending_has_words_and_a_sentence(ending: ReplayEnding):
    """The sentence says what the ending was inferred from, and the link finds replays like it."""
    fact = facts.describe_ending(ending)
    assert fact.value
    assert (fact.note or "").endswith(".")
    assert fact.href == list_urls.filtered_by("end", ending.value)
