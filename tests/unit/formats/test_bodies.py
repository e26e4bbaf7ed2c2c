"""Tests of the removal of bodies from recorded data."""

import copy
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.formats.bodies import HIDDEN_BODY, hide_bodies

SECRET = "card 4111 1111"


@pytest.mark.parametrize(
    "name",
    [
        "body", "Body", "requestBody", "response_body", "request-body", "http.request.body",
        "http.response.body.data", "http.request.body.content", "requestbody", "rawBody",
        "rawbody", "postData", "form_data", "formData", "payload", "requestPayload", "bodies",
        "http.request.data", "response.data", "graphql.variables", "graphqlDocument", "HTTPBody",
        "resBody", "body_text",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [SECRET * 20, {"card": SECRET}, [SECRET], 4111, True, "", 0])
def test_a_body_is_hidden_under_each_of_its_names(name: str, value: object):
    """Whatever the value is, a remark takes its place, at any depth and in lists."""
    data = {"a": {"b": [{"c": 1, name: value}]}}
    assert hide_bodies(data) == {"a": {"b": [{"c": 1, name: HIDDEN_BODY}]}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bodySize", 312), ("request_body_size", 312), ("http.request.body.size", 312),
        ("body_length", 7), ("bodyType", "json"), ("payload_bytes", 7), ("url", "/pay"),
        ("somebody", "Ada"), ("embodied", "x"), ("data", {"x": 1}), ("statusCode", 500),
        ("headers", {"Accept": "*/*"}), ("query", "q=1"), ("body", None),
    ],
)  # fmt: skip
def test_facts_about_a_body_and_other_members_stay(name: str, value: object):
    """Sizes, kinds, headers and addresses are no bodies."""
    assert hide_bodies({name: value}) == {name: value}


@pytest.mark.parametrize("parent", ["request", "response", "Request"])
def test_the_data_of_a_request_is_its_body(parent: str):
    """Events have the body of their request as `request.data`."""
    data = {parent: {"data": {"card": SECRET}, "url": "/pay"}}
    assert hide_bodies(data) == {parent: {"data": HIDDEN_BODY, "url": "/pay"}}


def test_a_body_behind_a_word_for_a_fact_is_hidden():
    """A long text or an object is no fact, whatever its name says."""
    for value in (SECRET * 20, {"card": SECRET}, [SECRET]):
        assert hide_bodies({"body_type": value}) == {"body_type": HIDDEN_BODY}


def test_what_lies_too_deep_is_hidden():
    """A nesting that is not walked to its end shows nothing of its end."""
    data: dict[str, Any] = {"body": SECRET}
    for _ in range(300):
        data = {"a": [data]}
    assert SECRET not in str(hide_bodies(data))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(st.dictionaries(st.text() | st.sampled_from(["body", "request", "data"]), JSON, max_size=5))
def test_any_data_keeps_its_shape_and_hiding_twice_changes_nothing(data: dict[str, Any]):
    """The original stays as it is, and members keep their names and order."""
    before = copy.deepcopy(data)
    hidden = hide_bodies(data)
    assert data == before
    assert list(hidden) == list(data)
    assert hide_bodies(hidden) == hidden
