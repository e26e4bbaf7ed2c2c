"""The actions that are recorded, and the frozen values that this package hands upward."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.core.ids import PersonId, ProjectId, ReplayId

VIEWERS_PER_PART: Final = 50
"""The most people that one part of the list of a replay's viewers has."""

REPLAY_VIEWED: Final = "replay_viewed"
"""The name of a line of the log of watched replays, beside those of `Action`."""

ActionFact = str | int | bool | None
ActionDetail = Mapping[str, ActionFact]
"""Facts about an action: ids, counts, names of settings; never what a user of an app did."""


class Action(StrEnum):
    """An action that is recorded."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_OUT = "sign_out"
    SIGN_IN_ENDED = "sign_in_ended"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    LINK_MADE = "link_made"
    LINK_WITHDRAWN = "link_withdrawn"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an action
    PERSON_ADDED = "person_added"
    PERSON_CHANGED = "person_changed"
    PERSON_DISABLED = "person_disabled"
    PERSON_ENABLED = "person_enabled"
    INVITATION_MADE = "invitation_made"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    INVITATION_ACCEPTED = "invitation_accepted"
    INVITATION_DECLINED = "invitation_declined"
    MEMBER_SET = "member_set"
    MEMBER_REMOVED = "member_removed"
    PROJECT_ADDED = "project_added"
    PROJECT_CHANGED = "project_changed"
    PRIVACY_RULES_CHANGED = "privacy_rules_changed"
    PRIVACY_RULES_TRIED = "privacy_rules_tried"
    KEY_ADDED = "key_added"
    KEY_CHANGED = "key_changed"
    TOKEN_ADDED = "token_added"  # noqa: S105 - the name of an action
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - the name of an action
    TOKEN_USED = "token_used"  # noqa: S105 - the name of an action
    """An API token was used from an address for the first time."""
    EVENTS_READ = "events_read"
    """A program began to read events with its API token."""
    RELEASE_ADDED = "release_added"
    RELEASE_CHANGED = "release_changed"
    RELEASE_DELETED = "release_deleted"
    DEPLOY_ADDED = "deploy_added"
    DEBUG_FILES_UPLOADED = "debug_files_uploaded"
    """A token, or people, uploaded debug files within an hour."""
    REPLAY_DELETED = "replay_deleted"
    REPLAYS_ERASED = "replays_erased"
    PERSON_ERASED = "person_erased"
    RANGE_ERASED = "range_erased"
    PROJECT_ERASED = "project_erased"
    REPLAY_DOWNLOADED = "replay_downloaded"
    CLIP_MADE = "clip_made"
    CLIP_DELETED = "clip_deleted"
    SHARE_MADE = "share_made"
    SHARE_REVOKED = "share_revoked"
    SHARE_VIEWED = "share_viewed"
    """Somebody without an account looked at a replay by a link, or fetched a picture of it."""
    REPLAY_PINNED = "replay_pinned"
    REPLAY_UNPINNED = "replay_unpinned"
    HOLD_SET = "hold_set"
    HOLD_RELEASED = "hold_released"
    RETENTION_CHANGED = "retention_changed"
    SERVER_RETENTION_CHANGED = "server_retention_changed"
    DAY_EXPIRED = "day_expired"
    REPLAYS_EXPIRED = "replays_expired"
    COUNTS_EXPIRED = "counts_expired"
    """Counts of sessions, outcomes and removals up to a day were deleted by a rule."""
    COUNTS_WILL_EXPIRE = "counts_will_expire"
    """The first of these are going to be deleted, a week after an update."""
    ISSUE_VIEWED = "issue_viewed"
    ISSUE_DOWNLOADED = "issue_downloaded"
    """A person took a report or a test flow of an issue."""
    TRACE_VIEWED = "trace_viewed"
    FILE_VIEWED = "file_viewed"
    LOG_EXPORTED = "log_exported"
    TICKET_ADDED = "ticket_added"
    TICKET_REMOVED = "ticket_removed"
    TRACKER_ADDED = "tracker_added"
    TRACKER_CHANGED = "tracker_changed"
    TRACKER_DELETED = "tracker_deleted"
    ISSUE_RESOLVED = "issue_resolved"
    ISSUE_IGNORED = "issue_ignored"
    ISSUE_REOPENED = "issue_reopened"
    ISSUE_DELETED = "issue_deleted"
    FILE_DOWNLOADED = "file_downloaded"
    QUARANTINE_DOWNLOADED = "quarantine_downloaded"
    QUARANTINE_RETRIED = "quarantine_retried"
    STORE_CLAIMED = "store_claimed"
    BACKUP_MADE = "backup_made"
    BACKUP_RESTORED = "backup_restored"
    ALERT_TARGET_ADDED = "alert_target_added"
    ALERT_TARGET_CHANGED = "alert_target_changed"
    ALERT_TARGET_DELETED = "alert_target_deleted"
    ALERT_TARGET_TESTED = "alert_target_tested"
    ALERT_RULE_ADDED = "alert_rule_added"
    ALERT_RULE_CHANGED = "alert_rule_changed"
    ALERT_RULE_DELETED = "alert_rule_deleted"
    ALERT_PICTURES_CHANGED = "alert_pictures_changed"
    PROCESS_FORGOTTEN = "process_forgotten"
    DEBUG_FILES_ADDED_BY_HAND = "debug_files_added_by_hand"
    DEBUG_FILES_DELETED = "debug_files_deleted"
    EVENT_SYMBOLICATED = "event_symbolicated"
    EVENTS_SYMBOLICATED = "events_symbolicated"


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A line of the audit log; `person_id` is None if the program acted by itself."""

    id: int
    at: datetime
    person_id: PersonId | None
    action: str
    project_id: ProjectId | None
    subject: str | None
    detail: ActionDetail


@dataclass(frozen=True, slots=True)
class ReplayViewer:
    """A person who has opened the page of a replay, and when they did so last."""

    person_id: PersonId
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ReplayView:
    """A line of the log of watched replays: a person opened the page of a replay."""

    id: int
    at: datetime
    person_id: PersonId
    project_id: ProjectId
    replay_id: ReplayId
