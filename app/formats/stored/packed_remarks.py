"""Remarks on what was removed, as the rows of events and segments keep them."""

from collections.abc import Sequence
from typing import Final

from app.formats.stored import packed_json
from app.scrub.rules import ScrubRemark

_MOST_REMARKS: Final = 100
"""Places that are kept of one item; the others are counted under the place `…`."""
_PATH_CHARS: Final = 200
_OTHERS: Final = "…"


def pack_remarks(remarks: Sequence[ScrubRemark]) -> bytes | None:
    """Return remarks compressed, or None if there are none."""
    if not remarks:
        return None
    others: dict[str, int] = {}
    for remark in remarks[_MOST_REMARKS:]:
        others[remark.rule] = others.get(remark.rule, 0) + remark.count
    rows = [[each.rule, each.path[:_PATH_CHARS], each.count] for each in remarks[:_MOST_REMARKS]]
    rows += [[rule, _OTHERS, count] for rule, count in others.items()]
    return packed_json.pack_json(rows)


def unpack_remarks(data: bytes | None) -> tuple[ScrubRemark, ...]:
    """Return remarks that were packed; none if the bytes hold none."""
    if not data:
        return ()
    try:
        return tuple(
            ScrubRemark(str(rule), str(path), int(count))
            for rule, path, count in packed_json.unpack_json(data)
        )
    except (ValueError, TypeError):
        return ()
