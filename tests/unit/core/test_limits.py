"""Every limit is used, and tested by name."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.core.limits import LIMITS

ROOT = Path(__file__).parents[3]
APP = [path.read_text("utf-8") for path in sorted((ROOT / "app").rglob("*.py"))]
TESTS = [path.read_text("utf-8") for path in sorted((ROOT / "tests").rglob("*.py"))]


@pytest.mark.parametrize("name", [field.name for field in fields(LIMITS)])
def test_limit_is_used_and_tested(name):
    """A limit that nothing enforces or no test reaches would be an empty promise."""
    named = re.compile(rf"\bLIMITS\.{name}\b")
    assert any(named.search(text) for text in APP)
    assert any(named.search(text) for text in TESTS)
