"""The check list of a project's set-up, from nothing to all of it."""

from datetime import UTC, datetime

from app.core.ids import ProjectId
from app.playback.checks import CalledHost, SetUpFacts, count_hosts
from app.playback.sdk_faults import KnownFault
from app.traces.queries import RequestSpan
from app.web.set_up.build import build_checks

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
NOTHING = SetUpFacts(0, 0, None, 0, 0, (), (), ())


def listed(facts: SetUpFacts) -> list[tuple[str, str]]:
    """Return the state and title of each line."""
    return [(check.state, check.title) for check in build_checks(ProjectId(1), facts)]


def test_a_new_project_waits():
    """Nothing works yet; the first segment is the first line."""
    assert {state for state, _ in listed(NOTHING)} == {"waiting"}
    assert listed(NOTHING)[0][1] == "Waiting for the first segment"


def test_what_works_is_done():
    """Segments, video, errors of both sides and traced hosts are done, and SDKs are listed."""
    facts = SetUpFacts(
        14, 14, NOW, 2, 1, (CalledHost("api.example", 9, 7),), ("sentry.java.android 8.53.0",), ()
    )
    assert listed(facts) == [
        ("done", "First segment received"),
        ("done", "Video can be played"),
        ("done", "Error linked"),
        ("done", "Requests to api.example are traced"),
        ("done", "Backend error linked"),
        ("note", "SDKs that record here"),
    ]
    text = build_checks(ProjectId(1), facts)[-1].text
    assert text == (
        "sentry.java.android 8.53.0. Session Replay needs Android SDK 7.20.0, Cocoa SDK 8.43.0, "
        "React Native SDK 6.5.0, Flutter SDK 9.0.0 or later."
    )


def test_what_is_wrong_is_named():
    """No video, a host that nothing answers, a fault of the SDK; one request says nothing yet."""
    facts = SetUpFacts(
        3, 0, NOW, 0, 0, (CalledHost("api.example", 3, 0), CalledHost("img.example", 1, 0)), (),
        (KnownFault("Android SDK 8.12.0: segments can be doubled. Fixed in 8.13.3.", False),),
    )  # fmt: skip
    problems = [title for state, title in listed(facts) if state == "problem"]
    assert problems == [
        "Segments come without video",
        "Requests to api.example lead to no backend",
        "Update this SDK",
    ]


def test_requests_are_counted_by_host():
    """The most called first; what names no host does not count."""
    requests = [
        RequestSpan("GET https://api.example/cart", is_answered=True),
        RequestSpan("POST https://api.example/pay", is_answered=False),
        RequestSpan("GET http://img.example:8080/1", is_answered=False),
        RequestSpan("GET /relative", is_answered=False),
        RequestSpan("GET http://[broken", is_answered=False),
        RequestSpan(None, is_answered=False),
    ]
    assert count_hosts(requests) == (
        CalledHost("api.example", 2, 1),
        CalledHost("img.example", 1, 0),
    )
