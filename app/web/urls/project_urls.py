"""Addresses of projects and of what belongs to a project."""

from typing import Final

from app.core.ids import PersonId, ProjectId, PublicKey
from app.web.urls.query import with_query

PROJECTS: Final = "/projects"
NEW_PROJECT: Final = "/projects/new"
PLAY_DEMO: Final = "/demo"
"""POST sends the replay of the demo app to this server."""


def project(project_id: ProjectId) -> str:
    """Return the address of a project's page."""
    return f"{PROJECTS}/{project_id}"


def releases(project_id: ProjectId, *, environment: str = "") -> str:
    """Return the address of a project's releases and their sessions, of one environment or all."""
    return with_query(f"{project(project_id)}/releases", {"environment": environment})


def key_list(project_id: ProjectId, *, first: int = 0) -> str:
    """Return the address of the keys on a project's page, from a given row on."""
    return f"{with_query(project(project_id), {'keys': str(first or '')})}#keys"


def keys(project_id: ProjectId) -> str:
    """Return the address of the page of a project's keys; POST `label` adds one."""
    return f"{project(project_id)}/keys"


def rename_key(project_id: ProjectId, public_key: PublicKey) -> str:
    """Return the address at which POST `label` renames a key."""
    return f"{keys(project_id)}/{public_key}/name"


def switch_key(project_id: ProjectId, public_key: PublicKey) -> str:
    """Return the address at which POST `on` (yes, no) switches a key on or off."""
    return f"{keys(project_id)}/{public_key}/switch"


def tokens(project_id: ProjectId) -> str:
    """Return the address of the page of a project's API tokens; POST makes one."""
    return f"{project(project_id)}/tokens"


def revoke_token(project_id: ProjectId, token_id: int) -> str:
    """Return the address at which POST revokes an API token."""
    return f"{tokens(project_id)}/{token_id}/revoke"


def member_list(project_id: ProjectId, *, first: int = 0) -> str:
    """Return the address of the members on a project's page, from a given row on."""
    return f"{with_query(project(project_id), {'members': str(first or '')})}#members"


def settings(project_id: ProjectId, *, first_member: int = 0) -> str:
    """Return the address of a project's settings, with its members from a given row on."""
    return with_query(f"{project(project_id)}/settings", {"members": str(first_member or "")})


def rename_project(project_id: ProjectId) -> str:
    """Return the address at which POST `name` renames a project."""
    return f"{settings(project_id)}/name"


def allow_shares(project_id: ProjectId) -> str:
    """Return the address at which POST `shares` (yes, no) switches share links on or off."""
    return f"{settings(project_id)}/shares"


def open_shares(project_id: ProjectId, *, after: str = "", before: str = "") -> str:
    """Return the address of a project's open share links, from or up to a place in the list."""
    return with_query(f"{project(project_id)}/open-shares", {"after": after, "before": before})


def revoke_all_shares(project_id: ProjectId) -> str:
    """Return the address at which POST `kind` (link, picture) takes all shares of a kind back."""
    return f"{open_shares(project_id)}/revoke"


def show_bodies(project_id: ProjectId) -> str:
    """Return the address at which POST `bodies` (yes, no) shows viewers bodies or hides them."""
    return f"{settings(project_id)}/bodies"


def trackers(project_id: ProjectId) -> str:
    """Return the address of a project's trackers; POST adds one."""
    return f"{settings(project_id)}/trackers"


def change_tracker(project_id: ProjectId, tracker_id: int) -> str:
    """Return the address at which POST changes a tracker."""
    return f"{trackers(project_id)}/{tracker_id}"


def delete_tracker(project_id: ProjectId, tracker_id: int) -> str:
    """Return the address at which POST deletes a tracker."""
    return f"{change_tracker(project_id, tracker_id)}/delete"


def members(project_id: ProjectId) -> str:
    """Return the address at which POST `email` and `role` sets a member's role or invites."""
    return f"{settings(project_id)}/members"


def withdraw_invitation(project_id: ProjectId) -> str:
    """Return the address at which POST `email` withdraws an invitation."""
    return f"{settings(project_id)}/invitations/withdraw"


def invitation(project_id: ProjectId) -> str:
    """Return the address at which POST `answer` accepts or declines an invitation."""
    return f"{project(project_id)}/invitation"


def remove_member(project_id: ProjectId, person_id: PersonId) -> str:
    """Return the address at which POST takes a person out of a project."""
    return f"{members(project_id)}/{person_id}/remove"


def privacy(project_id: ProjectId) -> str:
    """Return the address of a project's privacy rules; POST to it saves them."""
    return f"{settings(project_id)}/privacy"


def try_privacy(project_id: ProjectId) -> str:
    """Return the address at which POST tries privacy rules without saving them."""
    return f"{privacy(project_id)}/try"


def project_log(project_id: ProjectId, **query: str) -> str:
    """Return the address of a project's log, filtered by what is not empty."""
    return with_query(f"{project(project_id)}/log", query)


def export_project_log(project_id: ProjectId, form: str, **query: str) -> str:
    """Return the address of a project's log as a file in a form, filtered in the same way."""
    return with_query(f"{project(project_id)}/log/export/{form}", query)


def retention(project_id: ProjectId) -> str:
    """Return the address of what a project keeps; POST saves its rules."""
    return f"{project(project_id)}/retention"


def debug_files(
    project_id: ProjectId,
    *,
    release: str = "",
    kind: str = "",
    text: str = "",
    after: str = "",
    before: str = "",
) -> str:
    """Return the address of the debug files of a project; POST a file uploads it.

    Args:
        project_id: The project.
        release: Show only files of this release.
        kind: Show only files of this kind.
        text: Show only files with this in their name, or with this debug id.
        after: Show the page that begins after a place in the list.
        before: Show the page that ends before a place in the list.
    """
    pairs = {"release": release, "kind": kind, "q": text, "after": after, "before": before}
    return with_query(f"{project(project_id)}/debug-files", pairs)


def delete_debug_files(project_id: ProjectId) -> str:
    """Return the address at which POST asks whether to delete debug files, and deletes them."""
    return f"{debug_files(project_id)}/delete"


def quarantine(project_id: ProjectId, *, first: int = 0) -> str:
    """Return the address of the quarantined envelopes on a project's page, from a given row on."""
    return f"{with_query(project(project_id), {'quarantine': str(first or '')})}#quarantine"


def projects(*, first: int) -> str:
    """Return the address of the list of projects, from a given row on."""
    return with_query(PROJECTS, {"from": str(first or "")})


def quarantined(project_id: ProjectId, quarantined_id: int) -> str:
    """Return the address at which a quarantined envelope can be downloaded."""
    return f"{project(project_id)}/quarantine/{quarantined_id}"


def set_up(project_id: ProjectId) -> str:
    """Return the address of a project's set-up page."""
    return f"{project(project_id)}/set-up"


def upload_set_up(project_id: ProjectId) -> str:
    """Return the address of what the set-up page says about uploads of debug files."""
    return f"{set_up(project_id)}#builds"
