"""Scopes are read by their names and by the names of groups."""

import pytest

from app.api_tokens.model import Scope, read_scopes, shorten_scopes
from app.core.errors import InvalidInput

READ = frozenset({Scope.PROJECT_READ, Scope.EVENT_READ})
UPLOAD = frozenset({Scope.RELEASES, Scope.UPLOAD})


@pytest.mark.parametrize(
    ("names", "scopes", "words"),
    [
        (["read"], READ, "read"),
        (["upload"], UPLOAD, "upload"),
        (["read", "upload"], READ | UPLOAD, "read, upload"),
        (["project:releases"], frozenset({Scope.RELEASES}), "project:releases"),
        (["upload", "event:read"], UPLOAD | {Scope.EVENT_READ}, "upload, event:read"),
    ],
)
def test_names_stand_for_scopes(names: list[str], scopes: frozenset[Scope], words: str):
    """A group stands for its scopes, and scopes are written by the group if it is complete."""
    assert read_scopes(names) == scopes
    assert shorten_scopes(scopes) == words


@pytest.mark.parametrize("names", [[], ["admin"], ["read", "org:admin"], [""]])
def test_unknown_names_are_refused(names: list[str]):
    """A scope that does not exist is a mistake, and so is a token without any."""
    with pytest.raises(InvalidInput):
        read_scopes(names)
