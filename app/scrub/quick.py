"""The quick scrubber of an object that is cut into the texts of its members.

One pass of the hints over the members that hold text tells whether a rule could find anything at
all. Only the members in which one could are decoded and walked; the others stay as they came. The
outcome is that of `walk.scrub_json` for the whole object.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from app.formats import json_members
from app.formats.json_members import JsonMembers
from app.scrub import places
from app.scrub.json_walker import JsonWalker
from app.scrub.places import JsonPlace, PayloadKind, PlaceRole
from app.scrub.rules import DEFAULT_RULES, ScrubRemark, ScrubRules
from app.scrub.text_scrubber import TextScrubber, get_scrubber

_CONTAINERS: Final = (b"{", b"[")
_SMALL_BYTES: Final = 2_048
"""Smaller members are matched together: starting a pass costs as much as 100 bytes of it."""
_USER: Final = "user"
"""Matched by itself: users have addresses, which would send every other small member into a second
pass."""


def try_scrub_members(
    members: JsonMembers,
    rules: ScrubRules = DEFAULT_RULES,
    *,
    kind: PayloadKind,
    remarks: list[ScrubRemark] | None = None,
) -> JsonMembers | None:
    """Remove the secrets from an event, transaction, span, log or replay event.

    Args:
        members: Members as `json_members.split_members` makes them: strict JSON in UTF-8.
        rules: Scrub settings of the project.
        kind: Kind of the payload, which tells which members are structure.
        remarks: The list to which remarks on what was removed are added, if they are wanted.

    Returns:
        The same object if no member had to be decoded; otherwise another one, in which the decoded
        members are written anew. None if the object has to be walked as a whole.
    """
    if "value" in members:
        return None  # The member `name` beside it may say that it is a secret.
    place, scrubber = places.root_place(kind), get_scrubber(rules)
    texts = {
        # An unknown name may be a hint itself.
        name: text if name in place.fields else json_members.encode_member_name(name) + text
        for name, text in members.items()
        if _may_hold_text(place.fields.get(name), text)
    }
    hinted = _find_hinted(texts, scrubber)
    if not hinted:
        return members
    walker = JsonWalker(scrubber)
    clean = _walk_members({name: members[name] for name in hinted}, walker, place)
    if clean is None:
        return None
    if remarks is not None:
        remarks += walker.remarks()
    return members | clean


def _find_hinted(texts: Mapping[str, bytes], scrubber: TextScrubber) -> list[str]:
    """Return the names of the members in which a rule could find something."""
    alone = [name for name, text in texts.items() if len(text) >= _SMALL_BYTES or name == _USER]
    hinted = [name for name in alone if not scrubber.is_clean(texts[name])]
    together = [name for name in texts if name not in alone]
    if together and not scrubber.is_clean(b",".join([texts[name] for name in together])):
        hinted += [name for name in together if not scrubber.is_clean(texts[name])]
    return hinted


def _may_hold_text(place: JsonPlace | None, text: bytes) -> bool:
    """Tell whether a rule may change the value in a place."""
    if place is None:
        return True
    if place.role is PlaceRole.STRUCTURE:
        return text.startswith(_CONTAINERS)  # A container in such a place is data again.
    return place.role is not PlaceRole.CLOSED


def _walk_members(
    members: Mapping[str, bytes], walker: JsonWalker, place: JsonPlace
) -> JsonMembers | None:
    """Decode, walk and write members; None if one of their names has to go."""
    value = {name: json_members.decode_member(text) for name, text in members.items()}
    clean = walker.visit_members(value, place)
    if clean is None or clean.keys() != value.keys():
        return None
    # They are written anew even if nothing was removed: of a name that stands twice in an inner
    # object, only the last value was walked.
    return {name: msgspec.json.encode(item) for name, item in clean.items()}
