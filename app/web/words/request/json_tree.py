"""JSON as a tree to open branch by branch, cut where it would be too much for a page."""

import json
from dataclasses import dataclass
from typing import Final

_MOST_NODES: Final = 400
_DEEPEST: Final = 12
_TEXT_CHARS: Final = 2_000


@dataclass(frozen=True, slots=True)
class JsonNode:
    """A value under its name; a branch has `children` and says how many in `text`."""

    name: str | None
    text: str
    kind: str
    """`object`, `list`, `text`, `number`, `word`: how it is drawn."""
    children: tuple["JsonNode", ...] = ()
    hidden: int = 0
    """Members that are not shown."""


def make_json_tree(value: object, *, limit: int = _MOST_NODES) -> JsonNode:
    """Describe a JSON value.

    Args:
        value: Anything that JSON can hold.
        limit: Values to show; what comes after is counted where it is left out.
    """
    return _node(None, value, _Left(limit), depth=0)


def is_whole(node: JsonNode) -> bool:
    """Tell whether nothing was left out anywhere."""
    is_cut = node.hidden > 0 or (node.kind == "text" and node.text.endswith("…"))
    return not is_cut and all(is_whole(child) for child in node.children)


@dataclass(slots=True)
class _Left:
    nodes: int


def _node(name: str | None, value: object, left: _Left, *, depth: int) -> JsonNode:
    left.nodes -= 1
    if isinstance(value, dict):
        members = [(str(key), member) for key, member in value.items()]
        return _branch(name, members, "object", left, depth)
    if isinstance(value, list):
        members = [(str(number), member) for number, member in enumerate(value)]
        return _branch(name, members, "list", left, depth)
    if isinstance(value, str):
        text = value if len(value) <= _TEXT_CHARS else f"{value[: _TEXT_CHARS - 1]}…"
        return JsonNode(name, text, "text")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return JsonNode(name, json.dumps(value), "number" if is_number else "word")


def _branch(
    name: str | None, members: list[tuple[str, object]], kind: str, left: _Left, depth: int
) -> JsonNode:
    text = f"{{{len(members)}}}" if kind == "object" else f"[{len(members)}]"
    children: list[JsonNode] = []
    for key, member in members if depth < _DEEPEST else ():
        if left.nodes <= 0:
            break
        children.append(_node(key, member, left, depth=depth + 1))
    return JsonNode(name, text, kind, tuple(children), len(members) - len(children))
