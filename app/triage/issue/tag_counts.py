"""Counts over how many values of each tag the events of an issue spread."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.formats.stored import packed_json

_MOST_TAGS: Final = 12
_MOST_VALUES: Final = 5
_CHARS: Final = 100
_FIRST: Final = ("release", "environment", "device", "os", "handled", "level")
"""Tags that are shown before those of the app itself."""
_SHOWN_ELSEWHERE: Final = frozenset({"replayId"})


@dataclass(frozen=True, slots=True)
class TagValue:
    """A value of a tag, and its share of the events."""

    value: str
    count: int
    percent: int


@dataclass(frozen=True, slots=True)
class TagSpread:
    """A tag with its commonest values."""

    name: str
    values: tuple[TagValue, ...]
    others: int
    """The number of events with another value."""
    total: int


def count_tags(payloads: Sequence[bytes]) -> tuple[tuple[TagSpread, ...], int]:
    """Count the tags of events; run it in a thread, as it unpacks every event.

    Returns:
        The commonest tags, the commonest first, and how many more tags there are.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for payload in payloads:
        for name, value in _read_tags(packed_json.unpack_object(payload)).items():
            counts[name][value] += 1
    names = sorted(counts, key=lambda name: (_rank_tag(name), -counts[name].total(), name))
    shown = names[:_MOST_TAGS]
    return tuple(_count_values(name, counts[name]) for name in shown), len(names) - len(shown)


def _count_values(name: str, counted: Counter[str]) -> TagSpread:
    total = counted.total()
    common = counted.most_common(_MOST_VALUES)
    values = tuple(TagValue(value, count, round(count * 100 / total)) for value, count in common)
    return TagSpread(name, values, total - sum(value.count for value in values), total)


def _rank_tag(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _read_tags(event: JsonObject) -> dict[str, str]:
    contexts = jsonish.mapping(event, "contexts")
    device, system = jsonish.mapping(contexts, "device"), jsonish.mapping(contexts, "os")
    os_parts = (jsonish.text(system, key, limit=_CHARS) for key in ("name", "version"))
    named = {
        "release": jsonish.text(event, "release", limit=_CHARS),
        "environment": jsonish.text(event, "environment", limit=_CHARS),
        "device": jsonish.text(device, "model", limit=_CHARS),
        "os": " ".join(part for part in os_parts if part) or None,
        "level": jsonish.text(event, "level", limit=_CHARS),
    }
    tags = jsonish.pairs(event, "tags", limit=_CHARS)
    own = {name[:_CHARS]: tags[name] for name in tags if name not in _SHOWN_ELSEWHERE}
    return {**own, **{name: value for name, value in named.items() if value}}
