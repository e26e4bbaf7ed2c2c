"""The classes of views that came with an event are read from the file, if it can be read."""

import json

import pytest

from app.core.limits import LIMITS
from app.symbolication.view_hierarchies import read_view_types


def test_classes_of_views_are_read():
    """Every level counts."""
    tree = {"windows": [{"type": "a.b", "children": [{"type": "q.v"}]}]}
    assert read_view_types(json.dumps(tree).encode()) == {"a.b", "q.v"}


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff", b"[" * 1_000, b'{"windows": 7}', b" " * (LIMITS.view_hierarchy_bytes + 1)],
)
def test_other_files_have_none(data):
    """A broken file, or one that is too large, is kept as it is."""
    assert read_view_types(data) == frozenset()
