"""The trackers of a project, and the addresses that open a new ticket with its fields filled in.

github   <repository>/issues/new?title=…&body=…
gitlab   <project>/-/issues/new?issue[title]=…&issue[description]=…
jira     <site>/secure/CreateIssueDetails!init.jspa?pid=…&issuetype=…&summary=…&description=…
linear   <workspace or team>/new?title=…&description=…

Source: the documentation of each, "new issue by a URL with prefilled fields".
"""

import re
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from app.core.errors import InvalidInput
from app.projects.trackers import TrackerKind, TrackerSettings

_ADDRESS_CHARS: Final = 300
_HOST: Final = re.compile(r"[a-z0-9.-]{1,253}", re.ASCII)
_SEGMENT: Final = re.compile(r"[\w.~-]{1,100}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_LINEAR_HOST: Final = "linear.app"
_TITLE_CHARS: Final = 240


LONGEST_BYTES: Final = {
    TrackerKind.GITHUB: 7_500,
    TrackerKind.GITLAB: 6_000,
    TrackerKind.JIRA: 4_000,
    TrackerKind.LINEAR: 6_000,
}
"""The longest address that each takes. Servers refuse a request whose first line is over 8 KiB;
Jira's counts cookies too."""
TAKES_MARKDOWN: Final = frozenset({TrackerKind.GITHUB, TrackerKind.GITLAB, TrackerKind.LINEAR})


def read_tracker_address(kind: TrackerKind, text: str) -> str:
    """Read the address of a tracker that somebody typed.

    Returns:
        The address without a slash at the end, query or fragment.

    Raises:
        InvalidInput: It is not the address of a repository, project, site or team.
    """
    hint = _HINTS[kind]
    try:
        parts = urlsplit(text.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise InvalidInput(hint) from None
    host = (parts.hostname or "").lower()
    segments = [segment for segment in parts.path.split("/") if segment]
    is_plain = (
        parts.scheme in {"http", "https"}
        and _HOST.fullmatch(host) is not None
        and parts.username is None
        and len(text) <= _ADDRESS_CHARS
        and all(_SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in segments)
    )
    if not is_plain or not _has_shape(kind, host, segments):
        raise InvalidInput(hint)
    path = "".join(f"/{segment}" for segment in segments)
    return f"{parts.scheme}://{host}{port}{path}"


def read_jira_number(name: str, text: str) -> str:
    """Read the number of a project or an issue type of Jira.

    Raises:
        InvalidInput: It is no number.
    """
    number = text.strip()
    if _NUMBER.fullmatch(number) is None:
        raise InvalidInput(
            f"{name} of Jira is a number, which its address shows while it is edited"
        )
    return number


def write_ticket_link(settings: TrackerSettings, title: str, body: str) -> str:
    """Write the address that opens a new ticket with its title and body filled in."""
    title = title[:_TITLE_CHARS]
    path, fields = "/new", {"title": title, "description": body}
    match settings.kind:
        case TrackerKind.GITHUB:
            path, fields = "/issues/new", {"title": title, "body": body}
        case TrackerKind.GITLAB:
            path = "/-/issues/new"
            fields = {"issue[title]": title, "issue[description]": body}
        case TrackerKind.JIRA:
            path = "/secure/CreateIssueDetails!init.jspa"
            fields = {
                "pid": settings.jira_project,
                "issuetype": settings.jira_type,
                "summary": title,
                "description": body,
            }
        case TrackerKind.LINEAR:
            pass
    return f"{settings.address}{path}?{urlencode(fields, quote_via=quote, errors='replace')}"


def write_bounded_link(
    settings: TrackerSettings, title: str, body: str, *, whole_url: str
) -> tuple[str, bool]:
    """Write the address of a new ticket, and cut its body to what the tracker takes.

    A body that is cut says so in its last line, and where the whole report is.

    Args:
        settings: The tracker.
        title: The title.
        body: The body.
        whole_url: The address of the whole report.

    Returns:
        The address, and whether the body is cut.
    """
    longest = LONGEST_BYTES[settings.kind]
    link = write_ticket_link(settings, title, body)
    if len(link) <= longest:
        return link, False
    lines = body.splitlines()
    ending = f"\n\n(Cut to fit into an address. The whole report: {whole_url})"
    fitting, too_many = 0, len(lines) + 1
    # The length grows with the lines, so halving finds the most that fit.
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        cut = _close_block("\n".join(lines[:middle]), settings.kind) + ending
        if len(write_ticket_link(settings, title, cut)) <= longest:
            fitting = middle
        else:
            too_many = middle
    cut = _close_block("\n".join(lines[:fitting]), settings.kind) + ending
    return write_ticket_link(settings, title, cut), True


def _close_block(body: str, kind: TrackerKind) -> str:
    """Close the block of code in which a text was cut.

    What opens a block in the markup of one tracker is plain text in that of another.
    """
    fence = "```" if kind in TAKES_MARKDOWN else "{noformat}"
    is_open = sum(line.strip() == fence for line in body.splitlines()) % 2 == 1
    return f"{body}\n{fence}" if is_open else body


def _has_shape(kind: TrackerKind, host: str, segments: list[str]) -> bool:
    """Tell whether a path is that of a repository, a project, a site or a team."""
    match kind:
        case TrackerKind.GITHUB:
            return len(segments) == 2  # noqa: PLR2004 - owner and repository
        case TrackerKind.GITLAB:
            return len(segments) >= 2 and "-" not in segments  # noqa: PLR2004 - group and project
        case TrackerKind.JIRA:
            return len(segments) <= 2  # noqa: PLR2004 - where it runs below a path
        case TrackerKind.LINEAR:
            is_team = len(segments) in {2, 3} and segments[-2] == "team"
            return host == _LINEAR_HOST and (not segments or is_team)


_HINTS: Final = {
    TrackerKind.GITHUB: "the address of a repository is https://github.com/owner/repository",
    TrackerKind.GITLAB: "the address of a project is https://gitlab.com/group/project",
    TrackerKind.JIRA: "the address of a site is https://company.atlassian.net",
    TrackerKind.LINEAR: "the address of a team is https://linear.app/workspace/team/KEY",
}
