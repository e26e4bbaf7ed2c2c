"""Takes the secrets out of an object that is given as the texts of its members.

One pass over what holds text says whether a rule could find anything at all. If so, the members
it could be in are decoded and walked, the others stay as they came. The outcome is that of a walk
over the whole object (`walk.scrub_json`).
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from app.formats import json_members
from app.formats.json_members import JsonMembers
from app.scrub import places
from app.scrub.json_walker import JsonWalker
from app.scrub.places import JsonPlace, PayloadKind, PlaceRole
from app.scrub.rules import DEFAULT_RULES, ScrubRules
from app.scrub.text_scrubber import TextScrubber, get_scrubber

_CONTAINERS: Final = (b"{", b"[")
_SMALL_BYTES: Final = 2_048
_USER: Final = "user"


def try_scrub_members(
    members: JsonMembers, rules: ScrubRules = DEFAULT_RULES, *, kind: PayloadKind
) -> JsonMembers | None:
    """Take the secrets out of an event, transaction, span, log or replay event.

    Args:
        members: As `formats.members.split` makes them: strict JSON in UTF-8.
        rules: The settings of the project.
        kind: What the object is, and so which of its members are structure.

    Returns:
        The same object if nothing had to be decoded; else another one, in which what was decoded
        is written anew. None if the object can only be judged as a whole.
    """
    if "value" in members:
        return None  # what is called `name` beside it would say what it is
    place, compiled = places.root_place(kind), get_scrubber(rules)
    guilty = _guilty(
        {
            name: text if name in place.fields else json_members.encode_member_name(name) + text
            for name, text in members.items()
            if _holds_text(place.fields.get(name), text)
        },
        compiled,
    )
    if not guilty:
        return members
    clean = _walked({name: members[name] for name in guilty}, compiled, place)
    return None if clean is None else members | clean


def _guilty(shown: Mapping[str, bytes], compiled: TextScrubber) -> list[str]:
    """Name the members that hold a hint.

    Args:
        shown: What the hints must see: of a name that is not known, the name as well.
        compiled: The hints.
    """
    # Starting a pass costs as much as a hundred bytes of it, so small members share one; but
    # users have addresses, and would send all of them into a second look.
    alone = [name for name, text in shown.items() if len(text) >= _SMALL_BYTES or name == _USER]
    guilty = [name for name in alone if not compiled.is_clean(shown[name])]
    small = [name for name in shown if name not in alone]
    if small and not compiled.is_clean(b",".join([shown[name] for name in small])):
        guilty += [name for name in small if not compiled.is_clean(shown[name])]
    return guilty


def _holds_text(place: JsonPlace | None, text: bytes) -> bool:
    """Tell whether a rule may change what stands in a place."""
    if place is None:
        return True
    if place.role is PlaceRole.STRUCTURE:
        return text.startswith(_CONTAINERS)  # that is data again
    return place.role is not PlaceRole.CLOSED


def _walked(
    members: Mapping[str, bytes], compiled: TextScrubber, place: JsonPlace
) -> JsonMembers | None:
    """Decode some members, walk them, and write them; None if a name of theirs goes."""
    value = {name: json_members.decode_member(text) for name, text in members.items()}
    clean = JsonWalker(compiled).visit_members(value, place)
    if clean is None or clean.keys() != value.keys():
        return None
    # Written anew even if nothing went: where a name stands twice, only the last one was walked.
    return {name: msgspec.json.encode(item) for name, item in clean.items()}
