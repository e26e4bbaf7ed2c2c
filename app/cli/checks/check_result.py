"""The result of a check of `playhead doctor`."""

from dataclasses import dataclass
from enum import StrEnum


class CheckLevel(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the table."""

    subject: str
    state: CheckLevel
    text: str
