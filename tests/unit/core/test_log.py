"""Each log record is one line, whatever the input holds."""

import json
import logging

import pytest

from app.core import log


@pytest.fixture(autouse=True)
def _root_logger():
    """Restore the root logger after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_lines_cannot_be_forged(capsys):
    """A line break in a value stays inside its JSON string."""
    log.set_up_logging(json_lines=True)
    log.get_logger("test").warning("refused", value='x\n{"event": "forged"}')
    written = capsys.readouterr().err.splitlines()
    assert len(written) == 1
    assert json.loads(written[0])["value"] == 'x\n{"event": "forged"}'


def test_text_is_for_terminals(capsys):
    """The text form names the event, too."""
    log.set_up_logging(json_lines=False)
    logging.getLogger("elsewhere").warning("told by a library")
    assert "told by a library" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("a\nb", "a\\nb"),
        ("\ud800", "\\ud800"),
        (7, "7"),
        ("x" * 300, "x" * 200 + "…"),
    ],
)
def test_untrusted_values_are_escaped_and_cut(value, shown):
    """A value in a message is short and has no line break."""
    assert log.shown(value) == shown
