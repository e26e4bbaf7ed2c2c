"""What the usual default rules of a data scrubber remove is removed here as well.

The expectations are written down by hand from observations of such a scrubber: five events with
what was removed from each, and the rules by which 2,000 more are made. No string that the usual
defaults remove survives here; where they remove a whole text, its secret part goes here, and the
rest may stay.
"""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRules
from tests.support.builders.secrets import make_card, make_iban, make_word

_KEYS: Final = (
    "password", "secret", "passwd", "api_key", "apikey", "api-key", "auth", "credentials",
    "mysql_pwd", "privatekey", "private_key", "accessToken", "token", "otp", "two_factor",
    "authToken", "dbPassword", "X-Api-Key", "stripeSecret", "Authorization", "client_secret",
    "sessionid", "csrftoken", "xsrf-token", "auth_header", "userCredentials", "refresh-token",
)  # fmt: skip
_IP: Final = ScrubRules(scrub_ip=True)

OBSERVED: Final[tuple[tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]], ...]] = (
    (
        {"breadcrumbs": [{
            "message": "POST /pay card 4111 1111 1111 1111 for jane from 10.1.2.3",
            "data": {"url": "https://api.example/pay?token=abcd1234", "status_code": 200,
                     "authorization": "Basic am86dzFudGVy"},
        }]},
        ("4111 1111 1111 1111", "10.1.2.3", "abcd1234", "am86dzFudGVy"),
        ("POST /pay card", "for jane", "200", "https://api.example/pay"),
    ),
    (
        {"request": {
            "url": "https://bob:hunter2@api.example/v1?x=1",
            "headers": {"Authorization": "Bearer zz11yy22", "X-Api-Key": "kk-44",
                        "User-Agent": "okhttp/4 10.0.0.9"},
            "cookies": {"sessionid": "9a8b7c6d", "theme": "dark"},
            "query_string": {"token": "t0k3n-x", "page": "3"},
            "env": {"REMOTE_ADDR": "203.0.113.5"},
        }},
        ("hunter2", "zz11yy22", "kk-44", "9a8b7c6d", "t0k3n-x", "203.0.113.5"),
        ("okhttp/4", '"3"', "/v1?x=1"),
    ),
    (
        {"extra": {
            "password": "w1nter", "iban": "DE89370400440532013000", "ssn": "078-05-1120",
            "credentials": {"a": "q1q1"}, "ids": ["secret-1", "ok"], "otp": "123456",
        }},
        ("w1nter", "DE89370400440532013000", "078-05-1120", "q1q1", "secret-1", "123456"),
        (),  # a list of two is a name and its value to us, so `ok` goes as well
    ),
    (
        {
            "user": {"id": "7", "ip_address": "203.0.113.5", "data": {"secret": "s3s3"}},
            "contexts": {"state": {"authToken": "a1a1b2"}},
        },
        ("203.0.113.5", "s3s3", "a1a1b2"),
        ('"7"',),
    ),
    (
        {
            "logentry": {"formatted": (
                "login jane@example.com card 4111111111111111 Bearer abcdef12 "
                "ssn 078-05-1120 password=hunter2"
            )},
            "exception": {"values": [{
                "type": "E", "value": "token=abc4567",
                "stacktrace": {"frames": [{"vars": {"password": "p4p4", "user": "jo"}}]},
            }]},
        },
        ("jane@example.com", "4111111111111111", "abcdef12", "078-05-1120", "hunter2", "p4p4"),
        ("login", '"jo"'),
    ),
)  # fmt: skip
"""Events, what the defaults removed from them, and what has to stay."""


def scrub(event: dict[str, Any]) -> str:
    """Return an event as JSON after the default rules and that for IP addresses."""
    clean = walk.scrub_json(event, _IP, kind=PayloadKind.EVENT).value
    return json.dumps(clean, ensure_ascii=False)


@pytest.mark.parametrize(("event", "removed", "kept"), OBSERVED)
def test_observed_removals_are_made_here_too(
    event: dict[str, Any], removed: tuple[str, ...], kept: tuple[str, ...]
):
    """Everything goes that was seen to go, and what is harmless beside it stays."""
    clean = scrub(event)
    assert [text for text in removed if text in clean] == []
    assert [text for text in kept if text not in clean] == []


class EventMaker:
    """Makes events with things that the usual defaults remove, in places where they do."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)
        self._number = number * 50
        self.removed: list[str] = []

    def make(self) -> dict[str, Any]:
        """Make one event with secrets in six to nine of its parts."""
        parts: Sequence[Callable[[], dict[str, Any]]] = (
            lambda: {"extra": self._named() | {"deep": {"list": [self._named()]}}},
            lambda: {"tags": {"note": self._text()}},
            lambda: {"user": {"id": "1", "ip_address": self._ip(), "data": self._named()}},
            lambda: {"contexts": {"state": {"value": self._named()}}},
            lambda: {"breadcrumbs": {"values": [self._crumb(), self._crumb()]}},
            lambda: {"request": self._request()},
            lambda: {"logentry": {"formatted": self._text(), "params": []}},
            lambda: {"exception": {"values": [{"stacktrace": {"frames": [
                {"vars": self._named() | {"x": self._text()}, "function": "pay"}
            ]}}]}},
            lambda: {"message": self._text()},
            lambda: {"sdk": {"client_ip": self._ip(), "settings": self._named()}},
        )  # fmt: skip
        event: dict[str, Any] = {"event_id": "a" * 32, "platform": "java"}
        for make_part in self._random.sample(parts, k=self._random.randint(6, 9)):
            event |= make_part()
        return event

    def _word(self) -> str:
        self._number += 1
        return self._remove(make_word(self._number))

    def _remove(self, text: str) -> str:
        self.removed.append(text)
        return text

    def _named(self) -> dict[str, Any]:
        key = self._random.choice(_KEYS)
        shape = self._random.randrange(3)
        if shape == 0:
            return {key: self._word()}
        return {key: [self._word()]} if shape == 1 else {key: {"a": self._word(), "b": 1}}

    def _ip(self) -> str:
        return self._remove(f"203.0.{self._random.randrange(256)}.{self._random.randrange(1, 256)}")

    def _text(self) -> str:
        self._number += 1
        word = self._random.choice(("password", "secret", "token"))
        return self._random.choice(
            (
                lambda: f"paid with {self._remove(make_card(self._number))} today",
                lambda: f"transfer to {self._remove(make_iban(self._number))}.",
                lambda: f"ssn {self._remove(f'078-45-{self._number % 9999:04d}')} of jo",
                lambda: f"calling https://jo:{self._word()}@api.example/v1",
                lambda: f"-----BEGIN PRIVATE KEY-----\n{self._word()}\n-----END PRIVATE KEY-----",
                lambda: f"sent Bearer {self._word()} to it",
                lambda: f"the {word}={self._word()} &c",
                lambda: f"request from {self._ip()} to it",
            )
        )()  # fmt: skip

    def _crumb(self) -> dict[str, Any]:
        return {"category": "http", "message": self._text(), "data": self._named()}

    def _request(self) -> dict[str, Any]:
        return {
            "headers": [["Authorization", f"Basic {self._word()}"], ["X-Auth-Token", self._word()]],
            "cookies": {"sessionid": self._word(), "csrftoken": self._word()},
            "query_string": f"page=1&api_key={self._word()}",
            "data": self._named() | {"body": self._text()},
            "env": {"REMOTE_ADDR": self._ip()},
        }


def test_2000_made_events_keep_nothing_that_the_defaults_remove():
    """No removed string survives in any of the events, and the events keep their shape."""
    survived = []
    planted = 0
    for number in range(2_000):
        maker = EventMaker(number)
        event = maker.make()
        clean = scrub(event)
        planted += len(maker.removed)
        survived += [(number, text) for text in maker.removed if text in clean]
        assert json.loads(clean).keys() == event.keys()
    assert survived == []
    assert planted > 20_000
