"""Tests of the lines of `playhead doctor` about debug files."""

import sys

import pytest

from app.cli.checks.check_result import CheckLevel
from app.cli.checks.symbol_checks import check_symbols
from app.core.settings import Settings
from app.symbolicator import child


async def test_the_sandbox_is_whole():
    """Where the kernel filters system calls, the child is all right."""
    (result,) = await check_symbols(Settings())
    assert (result.subject, result.state) == ("debug files", CheckLevel.OK)


@pytest.mark.parametrize(
    ("program", "state", "words"),
    [
        ("import sys; sys.stdout.buffer.write(bytes([0, 0, 0, 0, 1, 0]))", "warn", "seccomp"),
        ("raise SystemExit('symbolic is missing')", "fail", "symbolic is missing"),
    ],
)
async def test_a_child_that_is_not_all_right(monkeypatch, program, state, words):
    """A child without a filter is a warning, one that does not start a failure with its reason."""
    monkeypatch.setattr(child, "command_of", lambda _module: (sys.executable, "-c", program))
    (result,) = await check_symbols(Settings())
    assert result.state == CheckLevel(state)
    assert words in result.text


async def test_where_symbols_of_the_system_are(tmp_path):
    """The folder must be there; a bucket is named, and a place of another form is a failure."""
    places = {
        str(tmp_path): CheckLevel.OK,
        str(tmp_path / "nowhere"): CheckLevel.WARN,
        "s3://symbols/ios": CheckLevel.OK,
        "https://symbols.example": CheckLevel.FAIL,
    }
    for place, state in places.items():
        _, result = await check_symbols(Settings(system_symbols=place, s3_region="eu-central-1"))
        assert (result.subject, result.state) == ("system symbols", state)
        assert place in result.text
