"""Everything that decides whether an envelope is let in."""

from dataclasses import dataclass, field

from app.ingest.admission.quotas import Quotas
from app.ingest.admission.refusals import RefusalTally
from app.projects.keys import KeyCache


@dataclass(frozen=True, slots=True)
class IngestAdmission:
    """The keys and limits of a process, and the counts of what it turns away."""

    keys: KeyCache
    quotas: Quotas
    refusals: RefusalTally = field(default_factory=RefusalTally)
