"""Tests of requests in detail, as trees, commands and HAR."""

import json

import pytest
from hypothesis import given, strategies as st

from app.formats.replay.activity import NetworkSpan
from app.web.replay.request import har
from app.web.words.request import exchanges, json_tree

START_MS = 1_795_468_811_973
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


def span(op: str = "resource.http", url: str = "https://a.example/pay?x=1", **data) -> NetworkSpan:
    """Make a POST that was answered after 400 ms."""
    return NetworkSpan(START_MS, START_MS + 400, op, url, "POST", 201, 61, 812, data)


def test_a_body_is_shown_as_tree_text_or_reason():
    """JSON is a tree and text stays text; an absent body has a reason."""
    described = exchanges.describe_exchange(
        span(request={"body": {"qty": 2}}, response={"size": 2048, "headers": {"A": "b"}})
    )
    sent, answered = described.messages
    assert sent.tree == json_tree.make_json_tree({"qty": 2})
    assert (sent.text, sent.absent) == (None, None)
    assert answered.absent == "The body of 2.0 KiB was not recorded."
    assert answered.headers == (("A", "b"),)
    assert exchanges.describe_exchange(span(response={"body": "ok"})).messages[0].text == "ok"
    empty_response = exchanges.describe_exchange(span(response={"headers": {"A": "b"}})).messages[0]
    assert empty_response.absent == "No body was recorded."


def test_what_was_not_recorded_is_explained():
    """When neither message was recorded, the note names the setting that records them."""
    described = exchanges.describe_exchange(span())
    assert described.messages == ()
    assert described.note
    assert "networkDetailAllowUrls" in described.note
    no_body_reason = {"body": "[Body not captured: contentType=image/png (5 bytes)]"}
    absent = exchanges.describe_exchange(span(response=no_body_reason)).messages[0].absent
    assert absent == "Body not captured: contentType=image/png (5 bytes)."


@pytest.mark.parametrize("warning", [*exchanges._WARNINGS, "SOMETHING_NEW"])
def test_every_warning_has_its_words(warning: str):
    """A known warning is a sentence, and a new one is shown by its name."""
    [message] = exchanges.describe_exchange(
        span(request={"body": "x", "warnings": [warning]})
    ).messages
    assert message.notes
    assert message.notes[0].startswith("The ")


def test_a_long_body_is_cut_in_the_panel_and_whole_on_its_page():
    """Text is cut by characters and JSON by values, and both are marked as cut."""
    long = span(request={"body": "x" * (exchanges.BODY_CHARS + 1)},
                response={"body": list(range(exchanges.BODY_NODES))})  # fmt: skip
    cut = exchanges.describe_exchange(long)
    assert cut.is_cut
    assert all(message.is_cut for message in cut.messages)
    whole = exchanges.describe_exchange(long, whole=True)
    assert not whole.is_cut
    assert whole.messages[0].text == "x" * (exchanges.BODY_CHARS + 1)


@pytest.mark.parametrize(
    ("op", "content_type", "kind"),
    [
        ("resource.http", "application/json", "json"),
        ("resource.http", "application/problem+json; charset=x", "json"),
        ("resource.http", "image/webp", "image"),
        ("resource.http", "text/html", "html"),
        ("resource.http", "application/octet-stream", "other"),
        ("resource.http", None, "other"),
        ("resource.fetch", None, "other"),
        ("resource.script", None, "script"),
    ],
)
def test_what_was_fetched_is_told_in_a_word(op: str, content_type: str | None, kind: str):
    """The word comes from the content type of the answer, else from the browser's name for it."""
    answer = {"headers": {"Content-Type": content_type}} if content_type else {}
    assert exchanges.find_content_kind(span(op, response=answer)) == kind


@given(JSON, st.integers(1, 40))
def test_a_tree_shows_everything_or_counts_what_it_hides(value, limit: int):
    """A tree has no more nodes than allowed, and a whole tree hides nothing."""

    def count(node: json_tree.JsonNode) -> int:
        return 1 + sum(count(child) for child in node.children)

    cut = json_tree.make_json_tree(value, limit=limit)
    assert count(cut) <= limit
    whole = json_tree.make_json_tree(value, limit=10_000)
    assert json_tree.is_whole(whole)
    assert json_tree.is_whole(cut) == (cut == whole)


def test_a_tree_names_kinds_and_sizes():
    """Branches say how many members they have."""
    tree = json_tree.make_json_tree({"a": [1, True, None, "x"], "b": {}})
    assert (tree.text, tree.kind) == ("{2}", "object")
    first, second = tree.children
    assert (first.name, first.text) == ("a", "[4]")
    assert [(child.kind, child.text) for child in first.children] == [
        ("number", "1"), ("word", "true"), ("word", "null"), ("text", "x")]  # fmt: skip
    assert (second.text, second.children) == ("{0}", ())
    long = json_tree.make_json_tree("x" * 3_000)
    assert long.text.endswith("…")
    assert not json_tree.is_whole(long)


def test_requests_become_a_har_file():
    """The file has bodies, sizes and times; values that no SDK records are -1 or empty."""
    sent = {"headers": {"Content-Type": "application/json"}, "body": {"a": 1},
            "warnings": ["JSON_TRUNCATED"]}  # fmt: skip
    har_file = har.describe_requests(
        [span(request=sent), span(response={"body": "ok"})], title="T", started_ms=0
    )
    log = json.loads(json.dumps(har_file))["log"]
    assert log["version"] == "1.2"
    assert log["pages"][0]["startedDateTime"] == "1970-01-01T00:00:00.000Z"
    first, second = log["entries"]
    assert first["request"]["url"] == "https://a.example/pay?x=1"
    assert first["request"]["queryString"] == [{"name": "x", "value": "1"}]
    assert first["request"]["postData"] == {
        "mimeType": "application/json", "params": [], "text": '{"a":1}'}  # fmt: skip
    assert first["request"]["bodySize"] == 61
    assert (first["time"], first["timings"]["wait"]) == (400, 400)
    assert first["comment"] == "The SDK notes: JSON_TRUNCATED"
    assert second["response"]["content"]["text"] == "ok"
    assert "postData" not in second["request"]
    assert "comment" not in second


def test_an_open_request_takes_no_time_in_a_har_file():
    """A HAR time is never negative."""
    open_span = NetworkSpan(START_MS, None, "resource.http", None, None, None, None, None, {})
    [entry] = har.describe_requests([open_span], title="T", started_ms=START_MS)["log"]["entries"]
    assert (entry["time"], entry["request"]["url"], entry["response"]["status"]) == (0, "", 0)
    assert entry["request"]["bodySize"] == -1
