"""Lists the phases of each kind of erasure, in order. A phase has steps of one transaction each.

parts     segments, links and pictures of the replays that are hidden
linked    events, feedback, logs and spans that name one of these replays
scan      all other records of the project: those that name the person, or fall into the range
journal   wait until digest has stored all envelopes that were accepted before the erasure began
… again   hide, parts, linked and scan once more, for what was stored meanwhile
users     the hashes by which issues counted the person
sweep     wait until the objects are gone, verify, close the receipt
"""

from typing import Final

from app.erasure.jobs.model import ErasureKind

RELINK: Final = "relink"
PARTS: Final = "parts"
LINKED: Final = "linked"
SCAN: Final = "scan"
JOURNAL: Final = "journal"
HIDE_AGAIN: Final = "hide again"
PARTS_AGAIN: Final = "parts again"
LINKED_AGAIN: Final = "linked again"
SCAN_AGAIN: Final = "scan again"
USERS: Final = "users"
SWEEP: Final = "sweep"

PHASES: Final = {
    ErasureKind.REPLAY: (PARTS, SWEEP),
    ErasureKind.REPLAYS: (PARTS, SWEEP),
    ErasureKind.RESTORED: (PARTS, SWEEP),
    ErasureKind.PERSON: (
        RELINK, PARTS, LINKED, SCAN, JOURNAL, HIDE_AGAIN, PARTS_AGAIN, LINKED_AGAIN, SCAN_AGAIN,
        USERS, SWEEP,
    ),
    ErasureKind.RANGE: (PARTS, SCAN, JOURNAL, HIDE_AGAIN, PARTS_AGAIN, SCAN_AGAIN, SWEEP),
    ErasureKind.PROJECT: (PARTS, SCAN, JOURNAL, HIDE_AGAIN, PARTS_AGAIN, SCAN_AGAIN, SWEEP),
}  # fmt: skip


def find_next_phase(kind: ErasureKind, phase: str) -> str:
    """Return the phase that follows; the last one is followed by itself."""
    phases = PHASES[kind]
    return phases[min(phases.index(phase) + 1, len(phases) - 1)]
