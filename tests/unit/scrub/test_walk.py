"""Walking a value: structure stays, clean parts are shared, failures remove the text."""

from typing import Any

import pytest

from app.core.limits import LIMITS
from app.scrub import places, walk
from app.scrub.finders import cards
from app.scrub.places import PayloadKind
from app.scrub.rules import DEFAULT_RULES, FAILED, FILTERED, ScrubRemark, ScrubResult, ScrubRules
from app.scrub.text_scrubber import TextScrubber

CARD = "4111 1111 1111 1111"


def scrub(value: Any, kind: PayloadKind = PayloadKind.EVENT, **options: Any) -> Any:
    """Return a value after scrubbing."""
    return walk.scrub_json(value, ScrubRules(**options), kind=kind).value


def crumb(**payload: Any) -> dict[str, Any]:
    """Build a breadcrumb of a recording."""
    data = {"tag": "breadcrumb", "payload": {"category": "console", **payload}}
    return {"type": 5, "timestamp": 1786000015000, "data": data}


def test_every_kind_of_payload_has_places():
    """A kind that is missing from the table fails, instead of being scrubbed as an event."""
    missing_kinds = set(PayloadKind) - set(places._ROOTS)
    assert not missing_kinds, f"add these kinds to _ROOTS in app/scrub/places.py: {missing_kinds}"


def test_clean_values_come_back_as_the_same_object():
    """Nothing is copied where nothing was result."""
    event = {"extra": {"a": [1, "x"]}, "tags": {"flavor": "play"}}
    assert walk.scrub_json(event, kind=PayloadKind.EVENT) == ScrubResult(event, ())
    assert walk.scrub_json(event, kind=PayloadKind.EVENT).value is event


def test_clean_parts_are_shared():
    """Only the containers around a secret are copied."""
    event: dict[str, Any] = {
        "extra": {"a": {"note": CARD}, "b": {"x": 1}},
        "contexts": {"app": {"x": 1}},
    }
    out = scrub(event)
    assert out == {**event, "extra": {"a": {"note": FILTERED}, "b": {"x": 1}}}
    assert out["contexts"] is event["contexts"]
    assert out["extra"]["b"] is event["extra"]["b"]
    assert event["extra"]["a"]["note"] == CARD


def test_remarks_say_rule_place_and_count():
    """There is one remark for each rule and place, with the number of removals."""
    event = {"extra": {"note": f"{CARD} and {CARD}", "password": ["a1", "b2"]}}
    assert walk.scrub_json(event, kind=PayloadKind.EVENT).remarks == (
        ScrubRemark("card", "extra.note", 2),
        ScrubRemark("sensitive-name", "extra.password", 2),
    )


def test_remarks_are_few_however_many_places():
    """After 500 places all others are counted together."""
    event = {"extra": {f"k{number}": CARD for number in range(700)}}
    remarks = walk.scrub_json(event, kind=PayloadKind.EVENT).remarks
    assert len(remarks) == 501
    assert remarks[-1] == ScrubRemark("card", "…", 200)
    assert sum(remark.count for remark in remarks) == 700


def test_structure_is_kept():
    """Ids and the names of screens and files are not scrubbed as text."""
    frame = {"filename": "a/password=x.py", "abs_path": "/Users/jo/a.py", "function": "token=1"}
    event = {
        "event_id": "4111111111111111",
        "release": "a@example.com",
        "debug_meta": {"images": [{"code_file": "/usr/lib/a@b.co", "code_id": CARD}]},
        "sdk": {"name": "a", "packages": [{"name": "a@b.co"}], "version": CARD},
        "breadcrumbs": [{"category": "auth: x1", "data": {"view.id": "secret-1"}}],
        "exception": {"values": [{"module": "a@b.co", "stacktrace": {"frames": [frame]}}]},
        "request": {"method": CARD, "headers": {"User-Agent": CARD}},
    }
    assert walk.scrub_json(event, kind=PayloadKind.EVENT).value is event


def test_a_container_where_structure_belongs_is_data():
    """A map under `event_id` hides nothing."""
    assert scrub({"event_id": {"password": "x1"}}) == {"event_id": {"password": FILTERED}}
    assert scrub({"trace_ids": [[CARD]]}) == {"trace_ids": [[FILTERED]]}


def test_source_lines_lose_only_written_secrets():
    """`password = ask()` is code, `password = "x"` is a secret."""
    frame = {
        "context_line": 'password = ask(); token = "w1nter"',
        "pre_context": [f"# {CARD}", "secret = load(path)"],
    }
    out = scrub({"stacktrace": {"frames": [frame]}})["stacktrace"]["frames"][0]
    assert out == {
        "context_line": 'password = ask(); token = "[Filtered]"',
        "pre_context": ["# [Filtered]", "secret = load(path)"],
    }


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("x1", FILTERED),
        (1234, FILTERED),
        (12.5, FILTERED),
        (True, True),
        (None, None),
        ("", ""),
        ("[ip]", "[ip]"),
        ({"a": [1, {"b": "c"}], "d": None}, {"a": [FILTERED, {"b": FILTERED}], "d": None}),
        ([], []),
        ({"value": 7, "type": "integer"}, {"value": FILTERED, "type": "integer"}),
        ({"jo@example.org": "x"}, {"[email]": FILTERED}),
        ({"jo@example.org": None}, {"[email]": None}),
    ],
)
def test_values_of_sensitive_names_go(value: Any, clean: Any):
    """Texts and numbers become the mark, containers keep their shape, booleans stay."""
    assert scrub({"extra": {"credentials": value}}) == {"extra": {"credentials": clean}}


def test_counts_of_tokens_are_numbers():
    """`max_tokens` is harmless only as a number."""
    value = {"max_tokens": 12, "total_tokens": "abc"}
    assert scrub({"extra": value}) == {"extra": {"max_tokens": 12, "total_tokens": FILTERED}}


def test_pairs_and_named_values_count_as_names():
    """Headers come as pairs, attributes and form fields as name and value."""
    headers = [
        ["Authorization", "x1"],
        ["Accept", "text/html"],
        ["User-Agent", "a 4111111111111111"],
    ]
    out = scrub({"request": {"headers": headers}})["request"]["headers"]
    assert out == [["Authorization", FILTERED], *headers[1:]]
    fields = [{"name": "password", "value": "x1"}, {"key": "city", "value": "x1"}]
    assert scrub({"extra": {"f": fields}}) == {
        "extra": {"f": [{"name": "password", "value": FILTERED}, fields[1]]}
    }
    assert scrub({"extra": {"f": {"name": 5, "value": CARD}}})["extra"]["f"]["value"] == FILTERED


def test_cookies_that_open_sessions_go():
    """A cookie header goes whole; in a map of cookies only some names are secret."""
    jar = {"theme": "dark", "session": "x1", "csrf": "y1"}
    clean = {"theme": "dark", "session": FILTERED, "csrf": FILTERED}
    assert scrub({"request": {"cookies": jar}}) == {"request": {"cookies": clean}}
    assert scrub({"request": {"cookies": [["sid", "x1"], ["theme", "dark"]]}}) == {
        "request": {"cookies": [["sid", FILTERED], ["theme", "dark"]]}
    }
    lines = {"request": {"cookies": ["sid=x1", "theme=dark"]}}
    assert scrub(lines) == {"request": {"cookies": [FILTERED, FILTERED]}}
    assert scrub({"request": {"cookies": "sid=x1"}}) == {"request": {"cookies": FILTERED}}
    assert scrub({"request": {"cookies": FILTERED}}) == {"request": {"cookies": FILTERED}}
    assert scrub({"extra": {"Cookie": "a=b", "cookies": jar}}) == {
        "extra": {"Cookie": FILTERED, "cookies": clean}
    }


def test_text_under_safe_keys_is_still_scrubbed():
    """A project's safe key does not name a secret, but its text is text."""
    out = scrub({"extra": {"auth": CARD, "Auth": "ok"}}, safe_keys=frozenset({"auth"}))
    assert out == {"extra": {"auth": FILTERED, "Auth": "ok"}}


def test_own_keys_of_a_project_are_sensitive():
    """A project's own word works in keys and in text, in either case."""
    own = frozenset({"Nickname", " "})
    event = {"extra": {"my_nickname": "jo", "note": "nickname=jo; NickName: jo"}}
    assert scrub(event, sensitive_keys=own) == {
        "extra": {"my_nickname": FILTERED, "note": "nickname=[Filtered]; NickName: [Filtered]"}
    }


def test_keys_that_are_secrets_are_scrubbed_and_stay_apart():
    """People use addresses as keys; no entry is lost when they become the same mark."""
    given = {"a@example.org": 1, "b@example.org": 2, "[email] (1)": 3, "[email]": 4}
    out = scrub({"extra": given})["extra"]
    assert list(out.values()) == [1, 2, 3, 4]
    assert not any("example" in key for key in out)


def test_bodies_that_are_json_are_walked():
    """Whole JSON is walked, whatever its escapes; other text is matched."""
    body = '{"pass\\u0077ord":"x1","n":[1,2]}'
    event = {"request": {"data": body}}
    assert scrub(event) == {"request": {"data": '{"password": "[Filtered]", "n": [1, 2]}'}}
    deep = '{"a":"\\u0041"}'
    assert scrub({"extra": {"b": deep}})["extra"]["b"] == deep


def test_a_name_twice_in_a_body_hides_nothing():
    """A JSON reader would see only the last value."""
    out = scrub({"extra": {"b": '{"password":"w1nter","password":null}'}})
    assert "w1nter" not in out["extra"]["b"]


def test_bodies_too_deep_to_read_are_text():
    """A thousand brackets are matched like any text."""
    body = "[" * 200_000 + f'"{CARD}"'
    assert CARD not in scrub({"extra": {"b": body}})["extra"]["b"]


@pytest.mark.parametrize(("number", "is_kept"), [(4111111111111111, False), (1795468855039, True)])
def test_numbers_of_cards_go(number: int, is_kept: bool):
    """A card may be written as a number; times stay."""
    out = scrub({"extra": {"n": [number, -number, 10**30, CARD]}})["extra"]["n"]
    assert out == [number if is_kept else FILTERED, -number, 10**30, FILTERED]


def test_names_of_users_stay_unless_the_project_objects():
    """People find a user by e-mail address; a card in a name goes all the same."""
    user = {"id": "jo@example.org", "email": "jo@example.org", "username": CARD}
    assert scrub({"user": user}) == {"user": {**user, "username": FILTERED}}
    assert scrub({"user": user}, user_email=True) == {
        "user": {"id": "[email]", "email": "[email]", "username": FILTERED}
    }


def test_ip_addresses_stay_unless_the_project_objects():
    """A project may have IP addresses removed from fields and text."""
    event = {
        "user": {"ip_address": "10.1.2.3"},
        "request": {"env": {"REMOTE_ADDR": "::1"}},
        "sdk": {"client_ip": None},
        "message": "from 10.1.2.3",
    }
    assert walk.scrub_json(event, kind=PayloadKind.EVENT).value is event
    assert scrub(event, scrub_ip=True) == {
        "user": {"ip_address": None},
        "request": {"env": {"REMOTE_ADDR": None}},
        "sdk": {"client_ip": None},
        "message": "from [ip]",
    }


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("Jo's iPhone", "[user]"),
        ("Jo\u2019s Galaxy S23", "[user]"),
        ("iPad von Jo", "[user]"),
        ("IPAD VON JO", "[user]"),
        ('the "big" one of Jo\u2019s home', "[user]"),
        ("Pixel 7", "Pixel 7"),
        ("[user]", "[user]"),
        ("jo@example.org", "[email]"),
    ],
)
def test_a_device_loses_the_name_of_its_owner(name: str, clean: str):
    """The name of a device may contain the name of a person."""
    assert scrub({"contexts": {"device": {"name": name}}}) == {
        "contexts": {"device": {"name": clean}}
    }


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        (
            PayloadKind.SPAN,
            {"items": [{"attributes": {"x": {"value": CARD, "type": "string"}}}]},
            "x",
        ),
        (PayloadKind.SPAN, {"span_id": "4111111111111111", "description": CARD}, "description"),
        (PayloadKind.LOG, {"items": [{"body": CARD, "trace_id": "4111111111111111"}]}, "body"),
        (PayloadKind.REPLAY_EVENT, {"urls": [CARD], "replay_id": "4111111111111111"}, "urls"),
        (PayloadKind.TRANSACTION, {"spans": [{"op": "a", "description": CARD}]}, "description"),
        (PayloadKind.RECORDING, {"odd": CARD}, "odd"),
    ],
)
def test_every_kind_is_walked(kind: PayloadKind, value: Any, path: str):
    """Each kind has its places; ids are kept in all of them."""
    out = walk.scrub_json(value, kind=kind)
    assert CARD not in str(out.value)
    assert path in out.remarks[0].path
    assert ("4111111111111111" in str(value)) == ("4111111111111111" in str(out.value))


def test_attributes_of_spans_keep_their_type():
    """`sentry.release` is structure, and a redacted attribute is still an attribute."""
    attributes = {
        "sentry.release": {"value": "a@example.org", "type": "string"},
        "user.email": {"value": "jo@example.org", "type": "string"},
        "auth.key": {"value": "x1", "type": "string"},
    }
    out = scrub({"items": [{"attributes": attributes}]}, PayloadKind.SPAN)["items"][0]["attributes"]
    assert out == {**attributes, "auth.key": {"value": FILTERED, "type": "string"}}


def test_clean_recordings_come_back_as_the_same_object():
    """Nothing is copied, and the paths of remarks begin with the number of the event."""
    events = [crumb(message="a"), crumb(message="b")]
    assert walk.scrub_recording(events).value is events
    result = walk.scrub_json([events[0], crumb(message=CARD)], kind=PayloadKind.RECORDING)
    assert result.value[0] is events[0]
    assert result.remarks == (ScrubRemark("card", "1.data.payload.message", 1),)


@pytest.mark.parametrize(
    "event",
    [
        {"type": 3, "data": {"source": 2, "x": CARD}},
        {"type": 2, "data": {"node": CARD}},
        {"type": 5, "data": {"tag": "video", "payload": {"encoding": CARD}}},
        {"type": 4, "data": {"href": "", "x": CARD}},
    ],
)
def test_touches_and_video_are_never_read(event: dict[str, Any]):
    """Touches and video are the recording itself, so no text in them is scrubbed."""
    assert walk.scrub_recording([event]) == ScrubResult([event], ())


@pytest.mark.parametrize(
    "event",
    [
        CARD,
        {"x": CARD},
        {"type": [], "x": CARD},
        {"type": 5, "data": CARD},
        {"type": 5, "data": {"tag": [], "x": CARD}},
        {"type": 4, "data": {"x": CARD}},
        None,
    ],
)
def test_malformed_events_are_walked(event: Any):
    """An event of an unknown shape is not passed on unread."""
    assert CARD not in str(walk.scrub_recording([event]).value)


def test_options_keep_their_lists():
    """Lists of headers and classes are settings, not pairs of name and value."""
    options = {"networkRequestHeaders": ["Authorization", "X-Api-Key"], "maskAllText": True}
    events = [{"type": 5, "data": {"tag": "options", "payload": options}}]
    assert walk.scrub_recording(events).value == events


def test_a_rule_that_fails_removes_the_field(monkeypatch: pytest.MonkeyPatch):
    """The field goes, and all other text is scrubbed."""

    def fail(text: str):
        raise RuntimeError(text)

    real = cards._DigitRuns
    monkeypatch.setattr(
        cards, "_DigitRuns", lambda text, runs: fail(text) if "x" in text else real(text, runs)
    )
    out = walk.scrub_json({"extra": {"a": f"x {CARD}", "b": CARD}}, kind=PayloadKind.EVENT)
    assert out.value == {"extra": {"a": FAILED, "b": FILTERED}}
    assert ScrubRemark("scrub-failed", "extra.a", 1) in out.remarks


def test_a_walk_that_fails_removes_the_text(monkeypatch: pytest.MonkeyPatch):
    """If even the hints fail, no text passes."""

    def fail(self: TextScrubber, text: str):
        raise RuntimeError(text)

    monkeypatch.setattr(TextScrubber, "find_candidates", fail)
    assert (
        walk.scrub_json({"no other test has this": {"a": CARD}}, kind=PayloadKind.EVENT).value
        == FAILED
    )


def test_values_that_are_no_json_are_walked():
    """Lone surrogates and odd values cannot be encoded, but their secrets go."""
    out = walk.scrub_json({"extra": {"a": f"\ud800 {CARD}", "b": {1, 2}}}, kind=PayloadKind.EVENT)
    assert out.value == {"extra": {"a": "\ud800 [Filtered]", "b": {1, 2}}}


def test_values_that_are_too_deep_are_removed():
    """Nesting beyond any limit is not followed."""
    value: Any = CARD
    for _ in range(LIMITS.json_depth * 4):
        value = [value]
    assert CARD not in str(
        walk.scrub_json({"extra": value}, DEFAULT_RULES, kind=PayloadKind.EVENT).value
    )


def test_the_rounds_of_rules_end(monkeypatch: pytest.MonkeyPatch):
    """A text that keeps changing is given up after four rounds."""
    monkeypatch.setattr(
        TextScrubber, "scrub", lambda _self, text, *_, **__: (f"{text}!", [("x", 1)])
    )
    out = walk.scrub_json({"extra": CARD}, kind=PayloadKind.EVENT)
    assert out.value == {"extra": f"{CARD}!!!!"}
