"""The header of rate limits has the grammar that SDKs read."""

import re

import pytest

from app.formats.wire import rate_limits

# As the Java, Cocoa and JavaScript SDKs take it apart.
_GRAMMAR = re.compile(r"(\d+):([a-z_]+(?:;[a-z_]+)*)?:(\w+):(\w+)\Z")


@pytest.mark.parametrize(
    ("categories", "written"),
    [
        (("replay", "attachment"), "60:replay;attachment:project:storage_quota"),
        (rate_limits.EVERYTHING, "60::project:storage_quota"),
    ],
)
def test_limits_are_written_as_sdks_read_them(categories, written):
    """A limit is written as seconds, categories, scope and reason, with colons between."""
    text = rate_limits.write_rate_limit(60, categories, scope="project", reason="storage_quota")
    assert text == written
    assert _GRAMMAR.match(text)


def test_a_limit_lasts_a_second_at_least():
    """Cocoa ignores a limit of no seconds."""
    assert rate_limits.write_rate_limit(0, ["error"], scope="key", reason="r") == "1:error:key:r"
