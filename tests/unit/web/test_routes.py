"""The routes of pages: what their sources may and may not do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import app.web

SOURCES = sorted(Path(app.web.__file__).parent.rglob("*.py"))
WITHOUT_LINK = {"/", "/favicon.ico", "/replays/{replay_id}"}
"""Addresses that no page links to: people and browsers come to them by themselves."""


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """Yield everything in the sources of pages, with the place where it stands."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            yield f"{source.name}:{getattr(node, 'lineno', 0)}", node


def test_pages_open_no_transaction():
    """A route calls a story, which reads and writes in its own transactions."""
    opened = [
        place
        for place, node in nodes()
        if isinstance(node, ast.Attribute) and node.attr in {"reading", "transaction"}
    ]
    assert opened == []


def test_routes_and_links_have_their_paths_from_one_place():
    """The path of a route is that of its link, from `app.web.urls`; none is spelled again."""
    paths = [
        (place, node.args[0])
        for place, node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "router"
        and node.func.attr in {"get", "post"}
    ]
    assert len(paths) > 50
    spelled = [place for place, path in paths if _is_spelled(path)]
    assert spelled == []


def _is_spelled(path: ast.expr) -> bool:
    if isinstance(path, ast.Constant):
        return path.value not in WITHOUT_LINK
    return isinstance(path, ast.JoinedStr) and isinstance(path.values[0], ast.Constant)
