"""The kinds of lines that the log can be filtered by."""

from enum import StrEnum
from typing import Final

from app.audit.model import REPLAY_VIEWED, Action


class LogKind(StrEnum):
    """A kind of lines of the log."""

    VIEW = "view"
    DOWNLOAD = "download"
    DELETION = "deletion"
    RETENTION = "retention"
    SIGN_IN = "sign-in"
    PEOPLE = "people"
    PROJECT = "project"
    ISSUE = "issue"


_DOWNLOADS: Final = frozenset(
    {
        Action.REPLAY_DOWNLOADED,
        Action.CLIP_MADE,
        Action.FILE_DOWNLOADED,
        Action.QUARANTINE_DOWNLOADED,
        Action.LOG_EXPORTED,
        Action.SHARE_MADE,
        Action.SHARE_REVOKED,
    }
)
_PREFIXES: Final = (
    (LogKind.SIGN_IN, ("sign_", "link_", "identity_", "password_")),
    (LogKind.PEOPLE, ("person_", "member_", "invitation_")),
    (
        LogKind.RETENTION,
        ("retention_", "server_retention_", "hold_", "day_", "replays_expired", "counts_"),
    ),
    (
        LogKind.PROJECT,
        ("project_", "key_", "alert_", "token_", "debug_", "privacy_", "quarantine_", "server_"),
    ),
    (LogKind.ISSUE, ("issue_", "ticket_")),
)


def find_kind(action: str) -> LogKind:
    """Return the kind of a line; an action that nothing else claims changes a project."""
    if action.endswith(("_viewed", "_read")):
        return LogKind.VIEW
    if action in _DOWNLOADS or action.endswith(("_downloaded", "_exported")):
        return LogKind.DOWNLOAD
    is_set_up = action.startswith(("alert_", "tracker_"))
    if (action.endswith("_deleted") and not is_set_up) or "eras" in action:
        return LogKind.DELETION
    if action.endswith(("_pinned", "_unpinned")):
        return LogKind.RETENTION
    for kind, prefixes in _PREFIXES:
        if action.startswith(prefixes):
            return kind
    return LogKind.PROJECT


def list_actions(kind: LogKind) -> frozenset[str]:
    """Return the names of all actions of a kind."""
    return frozenset(action for action in (REPLAY_VIEWED, *Action) if find_kind(action) is kind)
