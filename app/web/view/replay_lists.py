"""The long lists of a replay page: their rows, and which part of each list is shown."""

from typing import Final

from app.errors.queries import PART_EVENTS
from app.web import part_cursors
from app.web.view import hrefs, linked
from app.web.view.parts import ListPart, describe_part
from app.web.view.problems import ErrorRow
from app.web.view.replay_data import Known

_ERROR_ORDER: Final = "crashes and hangs first, then backend errors, then the others by time"


def error_rows(known: Known) -> tuple[ErrorRow, ...]:
    """Describe the errors that are read."""
    return linked.error_rows(
        known.errors.events,
        known.error_offsets,
        known.window,
        project_id=known.project.id,
        project_names=known.project_names,
        zero_ms=known.zero_ms,
    )


def error_part(known: Known) -> ListPart | None:
    """Say which part of the errors is read; None if that is all of them."""
    key, errors = known.outline.replay.key, known.errors
    place = errors.next_place
    return describe_part(
        "error",
        first=errors.first,
        shown=len(errors.events),
        total=errors.total,
        size=PART_EVENTS,
        next_href=hrefs.replay_part(
            key.project_id, key.replay_id, "errors", after=part_cursors.write_event_place(place)
        )
        if place
        else None,
        order=_ERROR_ORDER,
    )
