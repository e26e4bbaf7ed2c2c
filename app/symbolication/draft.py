"""Holds an event while its stacks are made clear by the families of platforms.

    event as sent ─► EventDraft ─ family after family rewrites stacks ─► finish ─► SymbolicatedEvent

The event itself is never changed: a draft holds copies of what may change. Frames are dicts as in
the event, the oldest call first. A family puts new dicts in the place of those it makes clear, one
for each inlined call, and leaves all others alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from app.core.clock import monotonic_s
from app.debug_files.model import DebugFileKind
from app.formats import jsonish
from app.formats.events import exceptions
from app.formats.jsonish import JsonObject
from app.symbolication.model import (
    KIND_NAMES,
    MissingDebugFile,
    MissingReason,
    SymbolicatedEvent,
    UsedDebugFile,
)

_MOST_IMAGES: Final = 5_000
_MOST_MISSING: Final = 100
"""Files that are named for one event; the page shows five of them."""
_NAME_CHARS: Final = 500


class OutOfTime(Exception):
    """An event takes longer than its budget; a worker is to do it."""


@dataclass(slots=True, eq=False)
class EventStack:
    """One stack of an event, whose frames a family may replace: assign another list to `frames`."""

    stacktrace: JsonObject
    """The copy of the object that holds the frames, and perhaps `instruction_addr_adjustment`."""
    frames: list[JsonObject]
    """The frames, oldest call first."""
    exception: JsonObject | None = None
    """The copy of the exception that holds the stack; its type and value may be changed."""
    thread: JsonObject | None = None
    """The copy of the thread that holds the stack; its locks may be changed."""

    @property
    def is_crashed(self) -> bool:
        """True if the innermost frame is the one that crashed, and not one that was waiting.

        It is for exceptions, and for the thread that an SDK marks.
        """
        return self.thread is None or bool(jsonish.flag(self.thread, "crashed"))


@dataclass(slots=True, eq=False)
class EventDraft:
    """The parts of an event that may become clear, and notes on used and missing files."""

    event: JsonObject
    """The event as sent, scrubbed; to be read only."""
    stacks: list[EventStack] = field(default_factory=list)
    """All stacks: of exceptions in their order, then of threads, then of the event itself."""
    exceptions: list[JsonObject] = field(default_factory=list)
    """Copies of all exceptions, those without a stack too; to be changed in place."""
    transaction: str | None = None
    """The name of the transaction; may be replaced."""
    contexts: JsonObject = field(default_factory=dict)
    """The contexts as sent; to be replaced as a whole, and not changed."""
    view_types: frozenset[str] = frozenset()
    """The classes of the views in the view hierarchy that came with the event."""
    clear_view_types: dict[str, str] = field(default_factory=dict)
    """Clear names of those that have one; to be filled."""
    deadline_s: float | None = None
    """The time on the monotonic clock at which the event is given up; None for no limit."""
    _members: JsonObject = field(default_factory=dict)
    _used: dict[tuple[str, str | None], UsedDebugFile] = field(default_factory=dict)
    _missing: dict[tuple[object, ...], MissingDebugFile] = field(default_factory=dict)

    @classmethod
    def of_event(
        cls,
        event: JsonObject,
        *,
        view_types: frozenset[str] = frozenset(),
        deadline_s: float | None = None,
    ) -> "EventDraft":
        """Copy what may change in an event.

        Args:
            event: The event as decoded; anything may be missing or of the wrong type.
            view_types: The classes of the views in the view hierarchy that came with it.
            deadline_s: The time on the monotonic clock at which it is given up.
        """
        draft = cls(
            event,
            transaction=jsonish.text(event, "transaction"),
            contexts=jsonish.mapping(event, "contexts"),
            view_types=view_types,
            deadline_s=deadline_s,
        )
        draft._copy_values("exception", draft._add_exception)
        draft._copy_values("threads", draft._add_thread)
        own = draft._copy_holder(event)
        if own is not event:
            draft._members["stacktrace"] = own["stacktrace"]
            draft._add_stack(own)
        return draft

    @property
    def platform(self) -> str:
        """The platform of the event; empty if it does not say. A frame may have its own."""
        return self._read_text("platform")

    @property
    def release(self) -> str | None:
        """The release of the event."""
        return self._read_text("release") or None

    @property
    def dist(self) -> str | None:
        """The distribution of the event: the build of a release."""
        return jsonish.text(self.event, "dist", limit=_NAME_CHARS)

    @property
    def images(self) -> list[JsonObject]:
        """The images in `debug_meta` as sent."""
        images = jsonish.sequence(jsonish.mapping(self.event, "debug_meta"), "images")
        return [image for image in images[:_MOST_IMAGES] if isinstance(image, dict)]

    def platform_of(self, frame: JsonObject) -> str:
        """Return the platform of a frame: its own, or else that of the event."""
        own = frame.get("platform")
        return own if isinstance(own, str) and own else self.platform

    def check_time(self) -> None:
        """Give the event up if it has taken too long; call it between frames or files.

        Raises:
            OutOfTime: It is past its deadline.
        """
        if self.deadline_s is not None and monotonic_s() > self.deadline_s:
            raise OutOfTime

    def note_use(self, file_id: str, kind: DebugFileKind, debug_id: str | None) -> None:
        """Note that a debug file made something clear."""
        self._used[file_id, debug_id] = UsedDebugFile(file_id, KIND_NAMES[kind], debug_id)

    def note_missing(
        self,
        kind: DebugFileKind,
        debug_id: str | None,
        *,
        reason: MissingReason = "not_uploaded",
        name: str | None = None,
        arch: str | None = None,
        detail: str | None = None,
        frames: int = 1,
    ) -> None:
        """Note that frames of the app stay unreadable for want of a file, or partly so.

        Calls for the same file and reason add up their frames. Release and distribution of the
        event are noted with a file that has no debug id.

        Args:
            kind: The kind of the file that would help.
            debug_id: Its normalised id; None for a source map that is found by its release.
            reason: Why there is no help.
            name: The name of the library or script.
            arch: The processor of the image.
            detail: The first position or class that the file does not know.
            frames: The number of frames that need it; 0 for a file that gives source lines only.
        """
        key = (kind, debug_id, reason, None if debug_id else name)
        known = self._missing.get(key)
        if known is not None:
            self._missing[key] = replace(known, frames=known.frames + frames)
        elif len(self._missing) < _MOST_MISSING:
            self._missing[key] = MissingDebugFile(
                kind=KIND_NAMES[kind],
                debug_id=debug_id,
                name=name[:_NAME_CHARS] if name else None,
                arch=arch,
                release=None if debug_id else self.release,
                dist=None if debug_id else self.dist,
                frames=frames,
                reason=reason,
                detail=detail[:_NAME_CHARS] if detail else None,
            )

    def finish(self) -> SymbolicatedEvent:
        """Return the result; members that are as they were sent are left out."""
        members = self._members
        for stack in self.stacks:
            stack.stacktrace["frames"] = stack.frames
        if self.transaction != jsonish.text(self.event, "transaction"):
            members = members | {"transaction": self.transaction}
        if self.contexts != jsonish.mapping(self.event, "contexts"):
            members = members | {"contexts": self.contexts}
        changed = {name: value for name, value in members.items() if value != self.event.get(name)}
        missing = sorted(self._missing.values(), key=lambda file: -file.frames)
        return SymbolicatedEvent(
            members=changed,
            used=tuple(self._used.values()),
            missing=tuple(missing),
            view_types=self.clear_view_types,
        )

    def _copy_values(self, name: str, add: Callable[[JsonObject], None]) -> None:
        """Copy a list of exceptions or threads, in either of the two forms that SDKs send."""
        sent = self.event.get(name)
        values = sent.get("values") if isinstance(sent, dict) else sent
        if not isinstance(values, list):
            return
        copies = [
            self._copy_holder(dict(value)) if isinstance(value, dict) else value for value in values
        ]
        for copy, value in zip(copies, values, strict=True):
            if isinstance(value, dict):
                add(copy)
        self._members[name] = {**sent, "values": copies} if isinstance(sent, dict) else copies

    def _copy_holder(self, holder: JsonObject) -> JsonObject:
        """Return a copy of an exception, a thread or the event with a list of frames of its own.

        The holder itself is returned if it has no frames.
        """
        frames = exceptions.list_frames(holder)
        if not frames:
            return holder
        stacktrace = {**jsonish.mapping(holder, "stacktrace"), "frames": list(frames)}
        return {**holder, "stacktrace": stacktrace}

    def _add_exception(self, copy: JsonObject) -> None:
        self.exceptions.append(copy)
        self._add_stack(copy, exception=copy)

    def _add_thread(self, copy: JsonObject) -> None:
        self._add_stack(copy, thread=copy)

    def _add_stack(
        self,
        holder: JsonObject,
        *,
        exception: JsonObject | None = None,
        thread: JsonObject | None = None,
    ) -> None:
        """Add the stack of a copied holder, unless it has no frames."""
        stacktrace = holder.get("stacktrace")
        frames = stacktrace.get("frames") if isinstance(stacktrace, dict) else None
        if not isinstance(stacktrace, dict) or not isinstance(frames, list) or not frames:
            return
        if all(isinstance(frame, dict) for frame in frames):  # so it is a copy
            self.stacks.append(EventStack(stacktrace, frames, exception, thread))

    def _read_text(self, name: str) -> str:
        return jsonish.text(self.event, name, limit=_NAME_CHARS) or ""
