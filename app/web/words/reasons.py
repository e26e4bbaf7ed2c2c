"""Meanings of the reasons of outcomes, and what to do, as `docs/outcomes.md` has them too."""

from dataclasses import dataclass
from typing import Final

from app.projects.model import LimitReason, Outcome


@dataclass(frozen=True, slots=True)
class Reason:
    """The meaning of a reason; `what_to_do` is empty when there is nothing to do."""

    meaning: str
    what_to_do: str = ""


_LIMITED: Final[dict[str, Reason]] = {
    LimitReason.ENVELOPES: Reason(
        "The key sent more envelopes a second than it may.",
        "Look which app or service sends so much. If it should, raise "
        "PLAYHEAD_KEY_ENVELOPES_PER_S and PLAYHEAD_KEY_ENVELOPES_BURST.",
    ),
    LimitReason.BYTES: Reason(
        "The key sent more bytes a second than it may.",
        "Lower the SDK's replay quality, or raise PLAYHEAD_KEY_BYTES_PER_S and "
        "PLAYHEAD_KEY_BYTES_BURST.",
    ),
    LimitReason.STORAGE: Reason(
        "The project has as much in storage as its limit allows. Errors, traces and logs are "
        "still kept.",
        "Raise the limit under Storage on this page, or delete replays.",
    ),
    LimitReason.SEGMENTS: Reason(
        "A replay has at most 2,000 segments; an hour has 720.",
        "A bug of the sender, or someone may be misusing your key: make a new one.",
    ),
}
_REFUSED: Final[dict[str, Reason]] = {
    "malformed": Reason(
        "The bytes do not follow their format.",
        "Look for a proxy that changes bodies. If there is none, report it: it is our fault or "
        "the SDK's.",
    ),
    "too_large": Reason(
        "A limit of size is exceeded: 16 MiB for a segment, 20 MiB for a file, 1 MiB for an "
        "event, 100 MiB for all of it.",
        "Lower the SDK's replay quality, or attach less.",
    ),
    "no_key": Reason(
        "No key is named, or it cannot be read.", "Compare the app's DSN with the one above."
    ),
    "unknown_key": Reason(
        "No project has this key, or another one has it.",
        "Compare the app's DSN with the one above.",
    ),
    "key_off": Reason("The key is switched off.", "Send with another key, or switch it on."),
    "invalid": Reason(
        "It breaks a rule that has no name of its own.", "The server's log has the message."
    ),
    "cut": Reason(
        "The envelope ends in the middle; what comes before the end is kept.",
        "Look for a proxy with a limit for bodies or a short timeout.",
    ),
    "no_replay_event": Reason(
        "A browser's recording came without the event that names its replay.",
        "A fault of the sender: update its SDK.",
    ),
    "second_in_envelope": Reason(
        "One envelope had a second replay event or recording; the first of each is kept.",
        "A fault of the sender: update its SDK.",
    ),
    "quarantined": Reason(
        "Reading it failed five times. It is put aside for seven days.",
        "A fault of Playhead: please report the reason, see Quarantine on this page.",
    ),
}
_DROPPED: Final[dict[str, Reason]] = {
    "sample_rate": Reason(
        "Not sampled, as the app's settings say.", "Raise the sample rate if you miss something."
    ),
    "before_send": Reason("Code in the app threw it away.", "Look at beforeSend in the app."),
    "event_processor": Reason(
        "Code in the app threw it away.", "Look at the event processors in the app."
    ),
    "cache_overflow": Reason(
        "Thirty envelopes waited on the phone; the oldest went.",
        "Was this server away, or the phone offline for long?",
    ),
    "queue_overflow": Reason("The app made more than it could send.", "Send less."),
    "network_error": Reason(
        "The server could not be reached.", "Look at the proxy's log of that time."
    ),
    "send_error": Reason(
        "The server or a proxy answered with an error.",
        "Look at the reasons above and at the proxy's log of that time.",
    ),
    "ratelimit_backoff": Reason(
        "The server had told the SDK to send less.", "See the limited ones above."
    ),
}
KNOWN: Final[dict[str, dict[str, Reason]]] = {
    Outcome.LIMITED: _LIMITED,
    Outcome.REFUSED: _REFUSED,
    Outcome.DROPPED_BY_SDK: _DROPPED,
}
_OTHERS: Final[dict[str, Reason]] = {
    Outcome.DROPPED_BY_SDK: Reason("The SDK dropped it and says so in this word."),
    Outcome.IGNORED: Reason("Playhead does not keep items of this type."),
    Outcome.DELETED: Reason("A late segment of a replay that was deleted."),
}


def find_reason_words(outcome: str, reason: str) -> Reason:
    """Put a reason into words; one of a later release or of an SDK stands for itself."""
    known = KNOWN.get(outcome, {}).get(reason)
    return known or _OTHERS.get(outcome) or Reason("A reason of another release.")
