"""Words for the actions, kinds and facts of the log."""

from typing import Final

from app.audit.kinds import LogKind
from app.audit.model import REPLAY_VIEWED, Action, ActionDetail
from app.core.units import format_bytes

KIND_LABELS: Final = {
    LogKind.VIEW: "Views",
    LogKind.DOWNLOAD: "Downloads, exports and shares",
    LogKind.DELETION: "Deletions",
    LogKind.RETENTION: "Retention, pins and holds",
    LogKind.SIGN_IN: "Sign-ins, links and passwords",
    LogKind.PEOPLE: "People, members and invitations",
    LogKind.PROJECT: "Projects, keys, tokens and rules",
    LogKind.ISSUE: "Issues",
}
_WORDS: Final[dict[str, str]] = {
    REPLAY_VIEWED: "Watched a replay",
    Action.ISSUE_VIEWED: "Viewed an issue",
    Action.TRACE_VIEWED: "Viewed a trace",
    Action.FILE_VIEWED: "Viewed a picture of an event",
    Action.REPLAY_DOWNLOADED: "Downloaded from a replay",
    Action.CLIP_MADE: "Made a clip of a replay",
    Action.CLIP_DELETED: "Deleted a clip of a replay",
    Action.SHARE_MADE: "Shared a replay",
    Action.SHARE_REVOKED: "Took back a share",
    Action.SHARE_VIEWED: "Viewed a shared replay",
    Action.FILE_DOWNLOADED: "Downloaded a file of an event",
    Action.QUARANTINE_DOWNLOADED: "Downloaded a quarantined envelope",
    Action.QUARANTINE_RETRIED: "Asked to read a quarantined envelope again",
    Action.BACKUP_MADE: "Made a backup",
    Action.BACKUP_RESTORED: "Restored a backup",
    Action.STORE_CLAIMED: "Claimed a store of objects for the database",
    Action.PROCESS_FORGOTTEN: "Removed a dead process from the list",
    Action.LOG_EXPORTED: "Exported the log",
    Action.REPLAY_DELETED: "Deleted a replay",
    Action.REPLAYS_ERASED: "Deleted several replays",
    Action.PERSON_ERASED: "Erased a user of an app",
    Action.RANGE_ERASED: "Erased a range of time",
    Action.PROJECT_ERASED: "Deleted a project",
    Action.ISSUE_DELETED: "Deleted an issue",
    Action.REPLAY_PINNED: "Pinned a replay",
    Action.REPLAY_UNPINNED: "Removed the pin of a replay",
    Action.HOLD_SET: "Set a legal hold on a replay",
    Action.HOLD_RELEASED: "Released a legal hold",
    Action.RETENTION_CHANGED: "Changed the rules about what is kept",
    Action.SERVER_RETENTION_CHANGED: "Changed the server's rules about what is kept",
    Action.DAY_EXPIRED: "Deleted a day by rule",
    Action.REPLAYS_EXPIRED: "Deleted replays by rule",
    Action.COUNTS_EXPIRED: "Deleted daily counts by rule",
    Action.COUNTS_WILL_EXPIRE: "Gave notice that daily counts will be deleted by rule",
    Action.SIGN_IN: "Signed in",
    Action.SIGN_IN_FAILED: "Failed to sign in",
    Action.SIGN_OUT: "Signed out",
    Action.SIGN_IN_ENDED: "Ended a sign-in",
    Action.LINK_MADE: "Made a sign-in link",
    Action.LINK_WITHDRAWN: "Withdrew a sign-in link",
    Action.PASSWORD_CHANGED: "Changed their password",
    Action.IDENTITY_LINKED: "Linked with an account of the sign-in provider",
    Action.IDENTITY_UNLINKED: "Unlinked from the sign-in provider",
    Action.PERSON_ADDED: "Added a person",
    Action.PERSON_CHANGED: "Changed a person",
    Action.PERSON_DISABLED: "Deactivated a person",
    Action.PERSON_ENABLED: "Reactivated a person",
    Action.MEMBER_SET: "Set the role of a member",
    Action.MEMBER_REMOVED: "Removed a member",
    Action.INVITATION_MADE: "Invited somebody",
    Action.INVITATION_WITHDRAWN: "Withdrew an invitation",
    Action.INVITATION_ACCEPTED: "Accepted an invitation",
    Action.INVITATION_DECLINED: "Declined an invitation",
    Action.PROJECT_ADDED: "Added a project",
    Action.PROJECT_CHANGED: "Changed a project",
    Action.PRIVACY_RULES_CHANGED: "Changed the privacy rules",
    Action.PRIVACY_RULES_TRIED: "Tried privacy rules on events",
    Action.KEY_ADDED: "Added a key",
    Action.KEY_CHANGED: "Changed a key",
    Action.TOKEN_ADDED: "Made an API token",
    Action.TOKEN_REVOKED: "Revoked an API token",
    Action.TOKEN_USED: "First used an API token from an address",
    Action.EVENTS_READ: "Read events with an API token",
    Action.RELEASE_ADDED: "Added a release",
    Action.RELEASE_CHANGED: "Changed a release",
    Action.RELEASE_DELETED: "Deleted a release",
    Action.DEPLOY_ADDED: "Deployed a release",
    Action.DEBUG_FILES_ADDED_BY_HAND: "Uploaded debug files by hand",
    Action.DEBUG_FILES_DELETED: "Deleted debug files",
    Action.EVENT_SYMBOLICATED: "Symbolicated an event again",
    Action.EVENTS_SYMBOLICATED: "Symbolicated events again",
    Action.DEBUG_FILES_UPLOADED: "Debug files uploaded within an hour",
    Action.ALERT_TARGET_ADDED: "Added a target of alerts",
    Action.ALERT_TARGET_CHANGED: "Changed a target of alerts",
    Action.ALERT_TARGET_DELETED: "Deleted a target of alerts",
    Action.ALERT_TARGET_TESTED: "Sent a test to a target of alerts",
    Action.ALERT_RULE_ADDED: "Added an alert",
    Action.ALERT_RULE_CHANGED: "Changed an alert",
    Action.ALERT_RULE_DELETED: "Deleted an alert",
    Action.ALERT_PICTURES_CHANGED: "Changed whether alerts show pictures",
    Action.ISSUE_DOWNLOADED: "Took a report of an issue",
    Action.TICKET_ADDED: "Kept the address of a ticket",
    Action.TICKET_REMOVED: "Removed the address of a ticket",
    Action.TRACKER_ADDED: "Added a tracker",
    Action.TRACKER_CHANGED: "Changed a tracker",
    Action.TRACKER_DELETED: "Deleted a tracker",
    Action.ISSUE_RESOLVED: "Resolved an issue",
    Action.ISSUE_IGNORED: "Ignored an issue",
    Action.ISSUE_REOPENED: "Reopened an issue",
}
_NAMES: Final = {
    "part": "only a part of it",
    "bodies": "bodies of requests",
    "frames": "may be embedded in",
    "share": "number of the link",
    "rest_hours": "hours until the others go",
}
_VALUES: Final = {
    "delete_oldest": "the oldest data goes",
    "refuse": "new data is rejected",
    "not_in_group": "in none of the groups",
    "groups_unknown": "the provider names no groups",
    "email_not_verified": "address not verified",
    "no_email": "no address",
    "linked_elsewhere": "address of another account",
    "token_refused": "the provider refused it",
    "no_provider": "the provider is not used any more",
    "disabled": "account deactivated",
}


def describe_action(action: str) -> str:
    """Say what somebody did; actions without words of their own are named after themselves."""
    return _WORDS.get(action) or action.replace("_", " ").capitalize()


def describe_facts(detail: ActionDetail) -> str:
    """Write the facts of a line: `role: admin, by: command line`; empty ones say nothing."""
    return ", ".join(
        f"{_NAMES.get(name) or name.replace('_', ' ')}: {_describe_fact(name, value)}"
        for name, value in detail.items()
        if value is not None and value != ""
    )


def _describe_fact(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("bytes"):
        return format_bytes(value)
    return _VALUES.get(value, value) if isinstance(value, str) else str(value)
