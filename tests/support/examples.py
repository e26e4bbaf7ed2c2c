"""How many examples property tests draw, and what they draw them from."""

import os
from typing import Final

from hypothesis import settings, strategies as st

SETTINGS: Final = settings(max_examples=int(os.environ.get("PLAYHEAD_EXAMPLES", "200")))
"""Decorate a property test with it. `PLAYHEAD_EXAMPLES` raises the number of examples."""

JSON_VALUES: Final[st.SearchStrategy[object]] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "0", "1e400", "2026-08-06T07:06:40Z", "a" * 32, 1_786_000_000]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
"""Any JSON value, with those that SDKs and attackers like."""


@st.composite
def mutated(draw: st.DrawFn, sources: list[bytes]) -> bytes:
    """Draw one of the sources with a few bytes changed, doubled, cut out or cut off."""
    body = bytearray(draw(st.sampled_from(sources)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(body) - 1, 0)))
        match draw(st.sampled_from(["change", "insert", "remove", "cut"])):
            case "change":
                body[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "insert":
                body[at:at] = draw(st.binary(min_size=1, max_size=6))
            case "remove":
                del body[at : at + draw(st.integers(1, 20))]
            case _:
                del body[at:]
    return bytes(body)


@st.composite
def with_changed_member(draw: st.DrawFn, source: dict[str, object]) -> dict[str, object]:
    """Draw the object with some members, at most one level down, replaced by any JSON value."""
    changed = dict(source)
    for name in draw(st.lists(st.sampled_from(sorted(source)), max_size=4, unique=True)):
        value = changed[name]
        if isinstance(value, dict) and value and draw(st.booleans()):
            inner = draw(st.sampled_from(sorted(value)))
            changed[name] = value | {inner: draw(JSON_VALUES)}
        else:
            changed[name] = draw(JSON_VALUES)
    return changed
