"""The interface of a family: it makes the frames of some platforms clear with their debug files.

    list_debug_ids, list_urls ─► one look-up for many events ─► rewrite: open files, replace frames

`event.py` asks all families in turn. Each leaves frames alone that are not its own: an event of one
platform may hold frames of another, as a Java event with native frames does.
"""

from collections.abc import Collection
from mmap import mmap
from typing import Protocol

from app.core.ids import ProjectId
from app.debug_files.model import ArtifactPlace, DebugFileId, DebugFileKind, DebugFilePart
from app.symbolication.draft import EventDraft


class FileNotAtHand(Exception):
    """A debug file must be fetched from the store first; a worker is to do the event."""


class LocalFile(Protocol):
    """An object of a debug file as a file of this machine, open for reading."""

    @property
    def descriptor(self) -> int:
        """The open read-only descriptor, which a child may inherit."""

    @property
    def data(self) -> mmap | bytes:
        """All bytes, mapped into memory on demand."""

    def open_reader[Reader](self, factory: "ReaderFactory[Reader]") -> Reader:
        """Return what `factory` makes of `data`; it is made once, and kept as long as the file.

        Call it in the thread of `run_in_reader_thread` only, if the reader has a state.
        """


class ReaderFactory[Reader](Protocol):
    """Makes a reader of the bytes of a file, such as a class does."""

    def __call__(self, data: mmap | bytes, /) -> Reader: ...


class EventFiles(Protocol):
    """The debug files that were found for an event."""

    @property
    def project_id(self) -> ProjectId:
        """The project of the event and of its debug files."""

    @property
    def is_fetching(self) -> bool:
        """True if there is time to fetch files that are not on this machine."""

    def find_parts(self, debug_id: str, *kinds: DebugFileKind) -> list[DebugFilePart]:
        """Return the files with a debug id, the newest first; of some kinds, or of all."""

    def find_artifacts(self, url: str) -> list[ArtifactPlace]:
        """Return the entries of bundles for an address that `list_urls` named, the best first."""

    async def open_part(self, part: DebugFilePart) -> LocalFile | None:
        """Open the object that look-ups read; None if it is not stored any more.

        Raises:
            FileNotAtHand: It would have to be fetched, and there is no time for that now.
            ServiceUnavailable: The store does not answer.
        """

    async def open_object(self, file_id: DebugFileId, object_name: str) -> LocalFile | None:
        """Open another object of a file, as `open_part` does."""


class SymbolFamily(Protocol):
    """Makes frames of some platforms clear. It has no state of an event."""

    def list_debug_ids(self, draft: EventDraft) -> Collection[str]:
        """List the normalised debug ids that frames of the event may need, without any I/O."""

    def list_urls(self, draft: EventDraft) -> Collection[str]:
        """List the addresses of scripts, as manifests have them, that have no debug id."""

    async def rewrite(self, draft: EventDraft, files: EventFiles) -> None:
        """Replace the frames that it knows, and note which files were used or are missing.

        Work that takes long is done in a thread or in a child, never on the event loop; it calls
        `draft.check_time` now and then.

        Raises:
            OutOfTime: The event is past its deadline.
            FileNotAtHand: A file must be fetched first.
            ServiceUnavailable: The store does not answer.
        """
