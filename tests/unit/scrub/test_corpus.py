"""Secrets go from every place, and innocent text stays in every place."""

import json
from typing import Any

import pytest

from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubResult
from tests.unit.scrub import corpus

EVENT_PLACES = tuple(corpus.event_places(""))
RRWEB_PLACES = tuple(corpus.rrweb_places(""))


def texts(value: Any) -> str:
    """Return all texts of a value in one, without JSON escapes."""
    if isinstance(value, dict):
        return "\n".join(f"{key}\n{texts(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(map(texts, value))
    return str(value)


def scrub(place: str, text: str) -> tuple[Any, ScrubResult]:
    """Scrub a text in a place; return the input and the output."""
    if place in EVENT_PLACES:
        event = corpus.event_places(text)[place]
        return event, walk.scrub_json(event, kind=PayloadKind.EVENT)
    recording = [corpus.rrweb_places(text)[place]]
    return recording, walk.scrub_recording(recording)


@pytest.mark.parametrize("place", [*EVENT_PLACES, *RRWEB_PLACES])
def test_secrets_go_from_every_place(place: str):
    """No secret of the table survives, a remark says so, and the input is untouched."""
    survived = []
    for text, secret in corpus.SECRETS:
        given, out = scrub(place, text)
        before = json.dumps(given)
        if secret in texts(out.value) or not out.remarks or json.dumps(given) != before:
            survived.append(text)
    assert survived == []


@pytest.mark.parametrize("place", [*EVENT_PLACES, *RRWEB_PLACES])
def test_innocent_text_stays_in_every_place(place: str):
    """Innocent text comes back as the same object, without a remark."""
    hurt = []
    for text in corpus.INNOCENT:
        given, out = scrub(place, text)
        if out.value is not given or out.remarks:
            hurt.append(text)
    assert hurt == []


@pytest.mark.parametrize(("text", "secret"), corpus.SECRETS)
def test_raw_json_with_a_secret_is_not_clean(text: str, secret: str):
    """The hints match raw JSON wherever the walk finds something, escaped or not."""
    del secret
    for ascii_only in (True, False):
        raw = json.dumps({"extra": {"note": text}}, ensure_ascii=ascii_only)
        assert not walk.is_clean(raw.encode())
        assert not walk.is_clean(raw.replace("/", "\\/").encode())


@pytest.mark.parametrize("text", ["GET /api/pay?page=2", "card declined", "café \u2013 12,50 €"])
def test_raw_json_without_a_hint_is_clean(text: str):
    """Ordinary text needs no walk."""
    assert walk.is_clean(json.dumps({"message": text}, ensure_ascii=False).encode())


def test_letters_written_as_escapes_are_never_clean():
    r"""`\u0070assword` must not hide its value from the hints."""
    assert not walk.is_clean(b'{"\\u0070assword":"w1nter"}')
    assert not walk.is_clean(b'{"x":"4111\\u00a01111\\u00a01111\\u00a01111"}')
    assert walk.is_clean(b'{"x":"bell \\u0007"}')


def test_the_tables_are_as_large_as_promised():
    """The frozen corpus does not shrink."""
    assert len(corpus.SECRETS) * (len(EVENT_PLACES) + len(RRWEB_PLACES)) >= 150
    assert len(set(corpus.SECRETS)) == len(corpus.SECRETS) >= 60
    assert len(set(corpus.INNOCENT)) == len(corpus.INNOCENT) >= 60
