"""The addresses below one replay: for the people of its project, or for whoever has a share."""

from dataclasses import dataclass

from app.core.ids import TraceId
from app.core.replay.replay_range import ReplayRange
from app.web.urls.query import with_query


def write_seconds(at_ms: int) -> str:
    """Write a moment on the clock of a replay as `t` of its address has it: `82.5`."""
    return f"{max(0, at_ms) / 1000:g}"


@dataclass(frozen=True, slots=True)
class ReplayAddress:
    """The address of a replay's page, and those of everything that lies below it.

    Pages that stand elsewhere, such as those of issues and lists, are for members only.
    """

    href: str
    is_shared: bool = False
    """True if strangers read it: then no page may lead to what is for members."""

    @property
    def index(self) -> str:
        """The address of the playback index."""
        return f"{self.href}/index"

    @property
    def stream(self) -> str:
        """The address of the virtual stream of the pictures."""
        return f"{self.href}/stream"

    @property
    def pictures(self) -> str:
        """The address of the small pictures; each of them lies below it."""
        return f"{self.href}/pictures"

    def hand_on(self, *, replay_range: ReplayRange | None = None) -> str:
        """Return the address of the page Share of the replay; empty for whoever it was handed to.

        Args:
            replay_range: The range that is shared; None means the whole replay.
        """
        if self.is_shared:
            return ""
        return with_query(f"{self.href}/hand-on", replay_range.query() if replay_range else {})

    def gestures(self, *, from_segment: int = 0) -> str:
        """Return the address of the gestures, as JSON."""
        return with_query(f"{self.href}/gestures", _from_segment(from_segment))

    def har(self, *, from_segment: int = 0) -> str:
        """Return the address of the requests as a HAR file."""
        return with_query(f"{self.href}/requests.har", _from_segment(from_segment))

    def request(self, number: int, *, from_segment: int = 0) -> str:
        """Return the address of one request, by its number among those that are read."""
        return with_query(f"{self.href}/requests/{number}", _from_segment(from_segment))

    def segment_video(self, segment_id: int) -> str:
        """Return the address of the MP4 of a segment, as the phone sent it."""
        return f"{self.href}/segments/{segment_id}.mp4"

    def at(self, at_ms: int, *, from_segment: int = 0, marked: ReplayRange | None = None) -> str:
        """Return the address that opens the replay at a moment; `t` counts seconds.

        Args:
            at_ms: The moment on the clock of the replay.
            from_segment: The first segment whose recording is read.
            marked: The range that is marked on the timeline.
        """
        pairs = {"t": write_seconds(at_ms)} | _from_segment(from_segment)
        if marked:
            pairs |= {"in": write_seconds(marked.from_ms), "out": write_seconds(marked.to_ms)}
        return with_query(self.href, pairs)

    def panel(self, panel: str, *, row: str = "", from_segment: int = 0) -> str:
        """Return the address of the replay with a panel open, at a row if its id is named."""
        address = with_query(self.href, {"tab": panel} | _from_segment(from_segment))
        return f"{address}#{row}" if row else address

    def part(self, panel: str, *, after: str = "", first: int = 0, from_segment: int = 0) -> str:
        """Return the address of a further part of a panel's list.

        Args:
            panel: The panel that the list is in.
            after: The place after which the part begins, in a list that is read by place.
            first: Number of rows to skip, in a list that is read by number.
            from_segment: The first segment whose recording is read.
        """
        pairs = {"after": after, "from": str(first or "")} | _from_segment(from_segment)
        return with_query(f"{self.href}/{panel}", pairs)

    def trace(self, trace_id: TraceId, *, first: int = 0, after: str = "") -> str:
        """Return the address of a trace on the clock of the replay.

        Args:
            trace_id: The trace.
            first: Number of spans to skip.
            after: The place after which the spans of the replay are read.
        """
        pairs = {"after": after, "from": str(first or "")}
        return with_query(f"{self.href}/traces/{trace_id}", pairs)


def _from_segment(from_segment: int) -> dict[str, str]:
    return {"from_segment": str(from_segment or "")}
