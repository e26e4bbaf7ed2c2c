"""H4: a child that reads debug files and was taken over achieves nothing."""

import os
import sys
from pathlib import Path

import pytest

from app.children.process import ChildTimeouts, run_child
from app.core.errors import MalformedInput
from app.symbolicator import child, wire
from tests.support.hostile import reader_escapes

PROBE = (sys.executable, "-E", "-s", "-m", "tests.support.hostile.reader_escapes")
ENDS = {
    "open": "SIGSYS",
    "socket": "SIGSYS",
    "exec": "SIGSYS",
    "fork": "SIGSYS",
    "kill": "SIGSYS",
    "loop": "SIGXCPU|SIGKILL",
    "take 2 GiB": "gave up",
    "send a file": "SIGSYS",
    "change the debug file": "gave up",
    "open the debug file again": "SIGSYS",
    "fill the disk": "gave up",
}
HOLD_BY_LIMITS = ("fork", "take 2 GiB", "change the debug file", "fill the disk")


async def _try_deed(folder: Path, deed: str, *more: str) -> str:
    """Let a child try a deed with a debug file, and return why the child ended."""
    kind = child.make_child_kind(gave_up="gave up", too_slow="took more than")
    timeouts = ChildTimeouts(answer_s=60, cpu_s=0)
    (folder / "source").write_bytes(b"a debug file")
    source = os.open(folder / "source", os.O_RDONLY)
    target = os.open(folder / "target", os.O_WRONLY | os.O_CREAT)
    async with run_child(kind, (*PROBE, deed, *more), timeouts) as taken_over:
        assert taken_over.is_filtered is not bool(more)
        with pytest.raises(MalformedInput) as ended:
            await taken_over.ask(wire.DERIVE, b"", expected=[wire.DERIVED], files=[source, target])
    os.close(source)
    os.close(target)
    assert (folder / "source").read_bytes() == b"a debug file"
    assert (folder / "target").stat().st_size <= 4 * 2**20
    return str(ended.value)


def test_every_deed_is_tested():
    """The tests cover every deed that the probe can try."""
    assert set(ENDS) == set(reader_escapes.DEEDS)


@pytest.mark.parametrize("deed", ENDS)
async def test_every_deed_ends_the_child(tmp_path, deed):
    """A forbidden call or an exhausted limit ends the child, and not the server."""
    end = await _try_deed(tmp_path, deed)
    assert any(word in end for word in ENDS[deed].split("|")), end


@pytest.mark.parametrize("deed", HOLD_BY_LIMITS)
async def test_resource_limits_alone_stop_most_deeds(tmp_path, deed):
    """Without seccomp the child still gets no process, no endless memory and no endless file."""
    await _try_deed(tmp_path, deed, "limits-only")
