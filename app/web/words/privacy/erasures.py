"""Words for erasures: what was asked for, how far it is, what has gone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.erasure.jobs.model import Erasure, ErasureKind, ErasureState
from app.web.words import phrases

NOUNS: Final = {
    "replays": ("replay", "replays"),
    "segments": ("segment", "segments"),
    "events": ("error or message", "errors and messages"),
    "issues": ("issue that had no other event", "issues that had no other events"),
    "feedback": ("piece of feedback", "pieces of feedback"),
    "files": ("attached file", "attached files"),
    "logs": ("log record", "log records"),
    "spans": ("span", "spans"),
    "quarantined": ("envelope in quarantine", "envelopes in quarantine"),
    "debug_files": ("debug file", "debug files"),
    "messages": ("message that had been sent", "messages that had been sent"),
    "shares": ("share link or picture", "share links and pictures"),
    "clips": ("clip", "clips"),
    "tickets": ("address of a ticket", "addresses of tickets"),
}
KIND_WORDS: Final = {
    "replays": "replays",
    "errors": "errors and messages, with their files",
    "feedback": "feedback",
    "logs": "logs",
    "spans": "spans",
}
"""The kinds to which an erasure by time can be limited, in words."""
STATE_WORDS: Final = {
    ErasureState.WAITING: "Waiting",
    ErasureState.RUNNING: "Running",
    ErasureState.SWEEPING: "Removing stored objects",
    ErasureState.BLOCKED: "Blocked",
    ErasureState.HELD: "Waiting for a legal hold",
    ErasureState.FINISHED: "Finished",
}
STATE_TONES: Final = {
    ErasureState.BLOCKED: "bad",
    ErasureState.HELD: "warn",
    ErasureState.FINISHED: "good",
    ErasureState.RUNNING: "live",
    ErasureState.SWEEPING: "live",
}


def describe_counts(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Say how much of each kind there is: `5 replays`, `40 errors and messages`."""
    return tuple(
        phrases.count(counts[name], *nouns) for name, nouns in NOUNS.items() if counts.get(name)
    )


def describe_subject(erasure: Erasure) -> str:
    """Say what was asked for, which names nobody: `A person, by user id and IP address`."""
    summary: Mapping[str, Any] = erasure.summary
    match erasure.kind:
        case ErasureKind.REPLAY:
            return f"Replay {summary.get('replay_id', '')}"
        case ErasureKind.REPLAYS:
            chosen = summary.get("replays")
            return phrases.count(chosen, "replay") if chosen else f"Replay {summary['replay_id']}"
        case ErasureKind.PERSON:
            return f"A person, by {join_words(summary.get('names', []))}"
        case ErasureKind.RANGE:
            since, until = (
                phrases.day_and_time(datetime.fromisoformat(summary[name]))
                for name in ("since", "until")
            )
            return f"Data received from {since} to {until}"
        case ErasureKind.PROJECT:
            return "The whole project"
        case ErasureKind.RESTORED:
            number = summary.get("erasure_id")
            deleted = f"Erasure {number}" if number else "Deleted issues and debug files"
            return f"{deleted}, again after a restored backup"


def join_words(words: list[str]) -> str:
    """Join words as a sentence does: `a, b and c`."""
    if len(words) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
