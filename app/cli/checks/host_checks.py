"""Checks each host of a URL that names several: which one takes writes, and which may take over."""

from typing import Final

from app.cli.checks.check_result import CheckLevel, CheckResult
from app.core.log import shown
from app.db import hosts
from app.db.hosts import HostRole, HostState

_SUBJECT: Final = "hosts"


async def check_hosts(url: str) -> list[CheckResult]:
    """Check the hosts of the database; a URL with one host needs no check of its own.

    Args:
        url: The URL that Playhead uses.
    """
    urls = hosts.split_hosts(url)
    if len(urls) == 1:
        return []
    return describe_hosts(await hosts.primary_finder.look(urls))


def describe_hosts(states: list[HostState]) -> list[CheckResult]:
    """Put the hosts that need somebody into words, a line each; otherwise all in one line."""
    troubles = []
    for state in states:
        if state.role is HostRole.OLD_PRIMARY:
            text = (
                f"{state.host} is an old primary that has come back. It takes writes, and Playhead "
                "does not use it. Stop it, and make it a standby of the new one"
            )
            troubles.append(CheckResult(_SUBJECT, CheckLevel.FAIL, text))
        elif state.role is HostRole.SILENT:
            text = f"{state.host} does not answer, so it cannot take over: {shown(state.reason)}"
            troubles.append(CheckResult(_SUBJECT, CheckLevel.WARN, text))
    if troubles:
        return troubles
    text = ", ".join(
        f"{state.host} {'takes writes' if state.role is HostRole.PRIMARY else 'is a standby'}"
        for state in states
    )
    return [CheckResult(_SUBJECT, CheckLevel.OK, text)]
