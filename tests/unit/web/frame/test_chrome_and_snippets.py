"""The theme cookie, and set-up texts."""

from app.web.frame.rendering import chrome
from app.web.set_up import snippets

DSN = "https://9d3f5c7e1b2a4866a0c4e2f8d6b19375@replay.example/42"


def test_only_known_themes_are_taken_from_the_cookie():
    """Any other value, and no cookie, follows the system."""
    assert chrome.read_theme("dark") == "dark"
    assert chrome.read_theme("light") == "light"
    assert chrome.read_theme('"><script>') == "auto"
    assert chrome.read_theme(None) == "auto"


def test_every_set_up_holds_the_dsn_and_its_braces():
    """Each text has the DSN once and no template marks; each SDK has a key of its own."""
    texts = (*snippets.write_app_snippets(DSN), *snippets.write_service_snippets(DSN))
    assert all(text.code.count(DSN) == 1 for text in texts if text.key != "otlp")
    assert not any("{{" in text.code or "{dsn}" in text.code for text in texts)
    assert len({text.key for text in texts}) == len(texts)


def test_every_mobile_sdk_asks_for_replays_and_passes_its_trace_on():
    """A copied text has sample rates, without which nothing would arrive."""
    for text in snippets.write_app_snippets(DSN):
        code = text.code.lower().replace("-", "")
        assert "sessionsamplerate" in code
        assert "onerrorsamplerate" in code
        assert "tracepropagationtargets" in code


def test_opentelemetry_gets_the_dsn_in_parts():
    """The OTLP settings have the endpoint below the server's prefix, and the key in a header."""
    text = snippets.write_service_snippets("https://abc@replay.example/pre/42")[-1].code
    assert "TRACES_ENDPOINT=https://replay.example/pre/api/42/otlp/v1/traces" in text
    assert "HEADERS=x-sentry-auth=sentry%20sentry_key=abc" in text
