"""Made-up parts of the long lists of a replay, on its page and on pages of their own."""

from dataclasses import replace

from app.web.replay.page import PartHeader, ReplayPartPage
from app.web.words.panels.activity import ActivityRow
from app.web.words.panels.problems import ErrorRow
from app.web.words.parts import ListPart, RecordingPart
from app.web.words.trace.trace_rows import TraceBlock
from tests.unit.web.samples.made_up import NOW
from tests.unit.web.samples.request_samples import LOGS, NETWORK

PARTS = {
    panel: ListPart(f"Showing a part of {panel}.", f"Next of {panel}", f"/r/{panel}?from=9")
    for panel in ("activity", "network", "errors", "trace", "logs")
}
RECORDING_PART = RecordingPart(
    "Some recordings are not shown. " * 9, "/r", "Recordings from 2:00 on", "/r?from_segment=9"
)
_HEADER = PartHeader("/r", "/r?tab=errors", "Ada Winter", NOW, 66_000)
_SOME = ListPart(
    "Showing errors 1,001 to 2,000 of 4,213.", "Next 1,000 errors", "/r/errors?after=x"
)


def pages(
    activity: tuple[ActivityRow, ...],
    errors: tuple[ErrorRow, ...],
    traces: tuple[TraceBlock, ...],
) -> dict[str, ReplayPartPage]:
    """Return a page of each panel's list, by panel."""
    last = replace(_SOME, next_text=None, next_href=None)
    return {
        "activity": ReplayPartPage(
            _HEADER,
            "activity",
            part=_SOME,
            activity=activity,
            recording_part=RECORDING_PART,
            from_segment=7,
        ),
        "network": ReplayPartPage(_HEADER, "network", part=_SOME, network=NETWORK),
        "errors": ReplayPartPage(_HEADER, "errors", part=_SOME, errors=errors),
        "trace": ReplayPartPage(_HEADER, "trace", part=last, traces=traces, most_traces=1_000),
        "logs": ReplayPartPage(replace(_HEADER, user=None), "logs", part=None, logs=LOGS),
    }
