"""The addresses of our own pages, in one place, so that a link and its route agree."""

from typing import Final
from urllib.parse import urlencode

from app.core.ids import EventId, IssueId, PersonId, ProjectId, ReplayId, SpanId, TraceId
from app.replays import query_language

REPLAYS: Final = "/replays"
NEW_REPLAYS: Final = "/replays/new"
"""Names, as JSON, the replays that have come since a list was opened."""
SELECTED: Final = "/replays/selected"
"""POST marks the ticked replays as seen; below it lies their deletion."""
DELETE_SELECTED: Final = "/replays/selected/delete"
ISSUES: Final = "/issues"
FEEDBACK: Final = "/feedback"
PROJECTS: Final = "/projects"
NEW_PROJECT: Final = "/projects/new"
ACCOUNT: Final = "/account"
SIGN_IN: Final = "/sign-in"
WHY: Final = "/why"
"""Why is there no replay?"""
SIGN_OUT: Final = "/sign-out"
"""POST ends this sign-in."""
THEME: Final = "/theme"
"""POST `theme` (auto, light, dark) and `back` (a path of ours): sets the cookie, 303 to `back`."""


def replays(project_id: ProjectId | None = None, **query: str) -> str:
    """Return the list's address, with the given filters; empty values are left out."""
    pairs = {"project": str(project_id or ""), **query}
    text = urlencode({name: value for name, value in pairs.items() if value})
    return f"{REPLAYS}?{text}" if text else REPLAYS


def awaited_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the list that waits for one replay, and leads to it."""
    return f"{REPLAYS}?{urlencode({'awaited': f'{project_id}/{replay_id}'})}"


def new_replays(project_id: ProjectId | None, *, query: str, since: str) -> str:
    """Return where a list asks for the replays that have come since a place in it."""
    return f"{NEW_REPLAYS}{replays(project_id, query=query, since=since).removeprefix(REPLAYS)}"


def project(project_id: ProjectId) -> str:
    """Return the address of a project's page."""
    return f"{PROJECTS}/{project_id}"


def releases(project_id: ProjectId, *, environment: str = "") -> str:
    """Return the address of a project's releases and their sessions, of one environment or all."""
    path = f"{project(project_id)}/releases"
    return f"{path}?{urlencode({'environment': environment})}" if environment else path


def settings(project_id: ProjectId) -> str:
    """Return the address of a project's settings; POST to `name` and `members` below it."""
    return f"{project(project_id)}/settings"


def withdraw_invitation(project_id: ProjectId) -> str:
    """Return the address that takes an invitation back; its form names whose."""
    return f"{settings(project_id)}/invitations/withdraw"


def invitation(project_id: ProjectId) -> str:
    """Return the address to which one answers an invitation to a project."""
    return f"{project(project_id)}/invitation"


def remove_member(project_id: ProjectId, person_id: PersonId) -> str:
    """Return where POST takes a person out of a project."""
    return f"{settings(project_id)}/members/{person_id}/remove"


def project_log(project_id: ProjectId, *, views: int = 0, lines: int = 0) -> str:
    """Return the address of a project's log; numbers name the rows after which pages begin."""
    pairs = {name: value for name, value in (("views", views), ("lines", lines)) if value}
    path = f"{project(project_id)}/log"
    return f"{path}?{urlencode(pairs)}" if pairs else path


def limit_storage(project_id: ProjectId) -> str:
    """Return where POST `limit_gib` limits what a project may have in storage."""
    return f"{project(project_id)}/storage"


def storage(project_id: ProjectId) -> str:
    """Return where a project's page says what it has in storage."""
    return f"{project(project_id)}#storage"


def quarantine(project_id: ProjectId, *, first: int = 0) -> str:
    """Return where a project's page shows what was put aside, from a number on."""
    return f"{_with_query(project(project_id), {'quarantine': str(first or '')})}#quarantine"


def projects(*, first: int) -> str:
    """Return the address of the list of projects, from a number on."""
    return _with_query(PROJECTS, {"from": str(first or "")})


def quarantined(project_id: ProjectId, quarantined_id: int) -> str:
    """Return where one envelope that was put aside can be downloaded."""
    return f"{project(project_id)}/quarantine/{quarantined_id}"


def outcomes(project_id: ProjectId) -> str:
    """Return where a project's page says what arrived."""
    return f"{project(project_id)}#outcomes"


def replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of a replay's page; index, stream and segments lie below it."""
    return f"{PROJECTS}/{project_id}/replays/{replay_id}"


def replay_at(
    project_id: ProjectId, replay_id: ReplayId, *, at_ms: int, from_segment: int = 0
) -> str:
    """Return the address that opens a replay at a moment; `t` counts seconds.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        at_ms: The moment on the clock of the replay.
        from_segment: The first segment whose recording is read.
    """
    pairs = {"t": f"{max(0, at_ms) / 1000:g}", "from_segment": str(from_segment or "")}
    return _with_query(replay(project_id, replay_id), pairs)


def delete_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address that asks (GET) and erases (POST)."""
    return f"{replay(project_id, replay_id)}/delete"


def replay_panel(
    project_id: ProjectId, replay_id: ReplayId, panel: str, *, from_segment: int = 0
) -> str:
    """Return the address of a replay with a panel open."""
    pairs = {"tab": panel, "from_segment": str(from_segment or "")}
    return _with_query(replay(project_id, replay_id), pairs)


def replay_part(
    project_id: ProjectId,
    replay_id: ReplayId,
    panel: str,
    *,
    after: str = "",
    first: int = 0,
    from_segment: int = 0,
) -> str:
    """Return the address of a further part of a panel's list.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        panel: Whose list it is.
        after: Names the place after which the part begins, in a list that is read by place.
        first: How many rows stand before it, in a list that is read by number.
        from_segment: The first segment whose recording is read.
    """
    pairs = {
        "after": after,
        "from": str(first or ""),
        "from_segment": str(from_segment or ""),
    }
    return _with_query(f"{replay(project_id, replay_id)}/{panel}", pairs)


def index(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the playback index."""
    return f"{replay(project_id, replay_id)}/index"


def stream(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the virtual stream of a replay's pictures."""
    return f"{replay(project_id, replay_id)}/stream"


def gestures(project_id: ProjectId, replay_id: ReplayId, *, from_segment: int = 0) -> str:
    """Return the address of what fingers did in a replay, as JSON."""
    path = f"{replay(project_id, replay_id)}/gestures"
    return _with_query(path, {"from_segment": str(from_segment or "")})


def pictures(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address under which the small pictures of a replay lie."""
    return f"{replay(project_id, replay_id)}/pictures"


def har(project_id: ProjectId, replay_id: ReplayId, *, from_segment: int = 0) -> str:
    """Return the address of a replay's requests as a HAR file."""
    path = f"{replay(project_id, replay_id)}/requests.har"
    return _with_query(path, {"from_segment": str(from_segment or "")})


def segment_video(project_id: ProjectId, replay_id: ReplayId, segment_id: int) -> str:
    """Return the address of one segment's MP4, as the phone sent it."""
    return f"{replay(project_id, replay_id)}/segments/{segment_id}.mp4"


def trace(trace_id: TraceId, *, first: int = 0, after: str = "", after_error: str = "") -> str:
    """Return the address of a trace's page.

    Args:
        trace_id: The trace.
        first: How many spans of the part stand before those that are shown.
        after: Names the place after which spans are read.
        after_error: Names the place after which errors are read.
    """
    pairs = {"after": after, "after_error": after_error, "from": str(first or "")}
    return _with_query(f"/traces/{trace_id}", pairs)


def trace_in(
    project_id: ProjectId,
    replay_id: ReplayId,
    trace_id: TraceId,
    *,
    first: int = 0,
    after: str = "",
) -> str:
    """Return the address of a trace on the clock of a replay, from a span on.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        trace_id: The trace.
        first: How many spans stand before those that are shown.
        after: Names the place after which the replay's spans are read.
    """
    path = f"{replay(project_id, replay_id)}/traces/{trace_id}"
    return _with_query(path, {"after": after, "from": str(first or "")})


def span(trace_id: TraceId, span_id: SpanId) -> str:
    """Return the address of what a span says of itself."""
    return f"/traces/{trace_id}/spans/{span_id}"


def issues(**query: str) -> str:
    """Return the address of the list of issues, with the given filters; empty ones are left out."""
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{ISSUES}?{text}" if text else ISSUES


def feedback(**query: str) -> str:
    """Return the address of the list of feedback; empty filters are left out."""
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{FEEDBACK}?{text}" if text else FEEDBACK


def issue_feedback(project_id: ProjectId, issue_id: IssueId) -> str:
    """Return the address of the feedback that is about an issue."""
    return f"{issue(project_id, issue_id)}/feedback"


def issue(project_id: ProjectId, issue_id: IssueId) -> str:
    """Return the address of an issue, which shows its newest event."""
    return f"{project(project_id)}/issues/{issue_id}"


def issue_event(project_id: ProjectId, issue_id: IssueId, event_id: EventId) -> str:
    """Return the address of one event of an issue."""
    return f"{issue(project_id, issue_id)}/events/{event_id}"


def issue_releases(issue_path: str, *, first: int) -> str:
    """Return where a page of an issue shows its releases from a number on."""
    return f"{issue_path}?{urlencode({'releases': first})}#releases"


def event_files(event_path: str, *, first: int) -> str:
    """Return where the page of an event shows its files from a number on."""
    return f"{event_path}?{urlencode({'files': first})}#files"


def issue_replays(project_id: ProjectId, issue_id: IssueId, *, before: str = "") -> str:
    """Return the address of the replays of an issue; `before` names the place of the next page."""
    path = f"{issue(project_id, issue_id)}/replays"
    return f"{path}?{urlencode({'before': before})}" if before else path


def issue_status(project_id: ProjectId, issue_id: IssueId) -> str:
    """Return where a form sends the new status of an issue."""
    return f"{issue(project_id, issue_id)}/status"


def attachment(project_id: ProjectId, event_id: EventId, number: int) -> str:
    """Return the address of a file of an event, by its place in the list of its files."""
    return f"{project(project_id)}/events/{event_id}/files/{number}"


def screenshot(project_id: ProjectId, event_id: EventId, number: int) -> str:
    """Return the address of a picture among the files of an event, drawn anew."""
    return f"{attachment(project_id, event_id, number)}/picture.webp"


def delete_issue(project_id: ProjectId, issue_id: IssueId) -> str:
    """Return the address that asks (GET) and erases (POST)."""
    return f"{issue(project_id, issue_id)}/delete"


def why(wanted: ReplayId | EventId) -> str:
    """Return the address that says why there is no replay of an id."""
    return f"{WHY}?id={wanted}"


def why_project(project_id: ProjectId) -> str:
    """Return the address that says what a project lost of its replays."""
    return f"{WHY}?project={project_id}"


def set_up(project_id: ProjectId) -> str:
    """Return the address of a project's set-up page."""
    return f"{project(project_id)}/set-up"


def _with_query(path: str, pairs: dict[str, str]) -> str:
    """Add a query to a path; empty values are left out."""
    text = urlencode({name: value for name, value in pairs.items() if value})
    return f"{path}?{text}" if text else path


def filtered_by(key: str, value: str) -> str:
    """Return the address of the list of all replays that hold one value."""
    return replays(query=query_language.write_query(query_language.exact_term(key, value)))
