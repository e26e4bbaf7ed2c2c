"""The whole of ingest in one process: journal, inbox, digest, put together and taken apart."""

from dataclasses import dataclass
from pathlib import Path

from app.db.engine import Database
from app.ingest.digest import Digester, NotePictures
from app.ingest.gate import Gate
from app.ingest.inbox import Inbox
from app.ingest.quotas import Quotas
from app.ingest.refusals import RefusalTally
from app.journal.writer import Journal
from app.projects.keys import KeyCache
from app.scrub.rules import DEFAULT_RULES
from app.storage.port import ObjectStore


@dataclass(frozen=True, slots=True)
class Lane:
    """A running ingest; `gate` is what the doors need."""

    gate: Gate
    digester: Digester

    @classmethod
    def open(
        cls,
        database: Database,
        objects: ObjectStore,
        keys: KeyCache,
        quotas: Quotas,
        *,
        journal_root: Path,
        file_bytes: int,
        reserve_bytes: int,
        memory_bytes: int,
        note_pictures: NotePictures,
    ) -> "Lane":
        """Open a journal of this process's own and begin to digest.

        Raises:
            ServiceUnavailable: The journal cannot be opened.
        """
        journal = Journal.open(journal_root, file_bytes=file_bytes, reserve_bytes=reserve_bytes)
        inbox = Inbox(memory_bytes)
        tally = RefusalTally()
        digester = Digester(
            database,
            objects,
            journal,
            inbox=inbox,
            tally=tally,
            quotas=quotas,
            rules=DEFAULT_RULES,
            note_pictures=note_pictures,
        )
        digester.start()
        return cls(Gate(keys, journal, inbox, tally, quotas), digester)

    async def close(self) -> None:
        """Digest what is in memory, as far as that goes; the journal keeps the rest."""
        await self.digester.stop()
        await self.gate.journal.close()
        await self.digester.forget()
