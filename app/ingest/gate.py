"""What the doors of a process share to take envelopes in."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from app.ingest.figures import AcceptFigures
from app.ingest.inbox import Inbox
from app.ingest.quotas import Quotas
from app.ingest.refusals import RefusalTally
from app.journal.writer import Journal
from app.projects.keys import KeyCache

_LARGE: Final = 2
"""Large bodies in memory at once; each may be `LIMITS.inflated_bytes`."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What accepting needs; made once per process."""

    keys: KeyCache
    journal: Journal
    inbox: Inbox
    tally: RefusalTally
    quotas: Quotas
    figures: AcceptFigures = field(default_factory=AcceptFigures)
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LARGE))
