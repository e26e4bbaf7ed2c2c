"""H4: a media child that was taken over gets nowhere, and its parent goes on."""

import os
import sys

import pytest

from app.core.errors import MalformedInput
from app.media import child
from app.media.child import ChildTimeouts
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


async def _tried(deed: str, *more: str) -> str:
    """Let a child try a deed; return why it ended."""
    timeouts = ChildTimeouts(answer_s=60, cpu_s=0)
    async with child.start_media_child(
        command=(*PROBE, deed, *more), timeouts=timeouts
    ) as taken_over:
        assert taken_over.is_filtered is not bool(more)
        pid = taken_over._process.pid
        with pytest.raises(MalformedInput) as ended:
            await taken_over.show(coded_groups.groups(clip())[0])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    return str(ended.value)


def test_every_deed_has_an_end():
    """No probe is forgotten."""
    assert set(ENDS) == set(sandbox_escapes.DEEDS)


@pytest.mark.parametrize("deed", ENDS)
async def test_no_way_leads_out(deed):
    """Files, network, programs, processes, memory, time, output: the child is dead, we are not."""
    assert ENDS[deed] in await _tried(deed)


@pytest.mark.parametrize("deed", HOLD_BY_LIMITS)
async def test_limits_alone_hold_most(deed):
    """Without seccomp no file, socket or process can be had, and no endless memory."""
    assert await _tried(deed, "limits-only")


async def test_the_environment_is_not_passed_on(monkeypatch):
    """The child is started without the settings of the server, the password among them."""
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", "postgresql://secret")
    async with child.start_media_child() as started:
        with open(f"/proc/{started._process.pid}/environ", "rb") as file:  # noqa: PTH123, ASYNC230
            assert b"PLAYHEAD" not in file.read()
