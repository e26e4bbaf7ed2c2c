"""H4: a media process that was taken over achieves nothing, and its parent goes on."""

import os
import sys

import pytest

from app.children.process import ChildTimeouts
from app.core.errors import MalformedInput
from app.media import child
from tests.support.builders import coded_groups
from tests.support.builders.clips import clip
from tests.support.hostile import sandbox_escapes

PROBE = (sys.executable, "-E", "-s", "-m", "tests.support.hostile.sandbox_escapes")
ENDS = {
    "open": "SIGSYS",
    "read a file": "SIGSYS",
    "socket": "SIGSYS",
    "exec": "SIGSYS",
    "fork": "SIGSYS",
    "thread": "SIGSYS",
    "ptrace": "SIGSYS",
    "kill": "SIGSYS",
    "run memory": "SIGSYS",
    "more limits": "SIGSYS",
    "write 1 GB": "message 4 of 1073741824 bytes",
    "flood": "message 5 of 8388608 bytes",
    "loop": "SIGXCPU",
    "take 2 GiB": "gave up",
    "sleep": "SIGSYS",
    "end": "gave up",
}
HOLD_BY_LIMITS = ("open", "socket", "fork", "thread", "write 1 GB", "take 2 GiB", "end")


async def _try_deed(deed: str, *more: str) -> str:
    """Let a media process try a deed, and return why the process ended."""
    timeouts = ChildTimeouts(answer_s=60, cpu_s=0)
    async with child.start_media_child(
        command=(*PROBE, deed, *more), timeouts=timeouts
    ) as taken_over:
        assert taken_over.is_filtered is not bool(more)
        pid = taken_over.pid
        with pytest.raises(MalformedInput) as ended:
            await taken_over.show(coded_groups.groups(clip())[0])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    return str(ended.value)


def test_every_deed_is_tested():
    """The tests cover every deed that the probe can try."""
    assert set(ENDS) == set(sandbox_escapes.DEEDS)


@pytest.mark.parametrize("deed", ENDS)
async def test_every_deed_ends_the_media_process(deed):
    """A forbidden call or an exhausted limit ends the media process, and not the server."""
    assert ENDS[deed] in await _try_deed(deed)


@pytest.mark.parametrize("deed", HOLD_BY_LIMITS)
async def test_resource_limits_alone_stop_most_deeds(deed):
    """Without seccomp the process still gets no file, socket, process or endless memory."""
    assert await _try_deed(deed, "limits-only")


async def test_the_environment_is_not_passed_on(monkeypatch):
    """The media process does not get the server's settings, such as its password."""
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", "postgresql://secret")
    async with child.start_media_child() as started:
        with open(f"/proc/{started.pid}/environ", "rb") as file:  # noqa: PTH123, ASYNC230
            assert b"PLAYHEAD" not in file.read()
