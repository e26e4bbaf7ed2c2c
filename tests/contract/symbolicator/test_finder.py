"""Tests of the child that looks addresses up in symcaches."""

import asyncio
import os
import signal

import pytest

from app.core.errors import ServiceUnavailable
from app.symbolicator.finder import AddressFinder, Symcache
from app.symbolicator.wire import AddressQuestion, SourceLocation
from tests.support.builders.debug_objects import breakpad_file
from tests.support.recorded.debug_samples import read_debug_sample
from tests.support.waiting import until

IMAGE = 0x7A1C4E2000
LIBRARY = "elf-arm64/debug/libshop.so"
TWO = {"one": (0x1000, 0x20), "two": (0x1020, 0x20)}


def _names(locations: list[SourceLocation]) -> list[tuple[str, str, int]]:
    return [(each.signature, each.path.rpartition("/")[2], each.line) for each in locations]


async def test_inlined_functions_come_first(finder, make_symcache):
    """An address gives the function it lies in and those inlined there, innermost first."""
    symcache = await make_symcache(read_debug_sample(LIBRARY))
    crashed = AddressQuestion(0, IMAGE + 0x1428, IMAGE, "crashed", 11, IMAGE + 0x1428)
    caller = AddressQuestion(0, IMAGE + 0x147C, IMAGE, "caller")
    answer = await finder.look_up(1, [symcache], [crashed, caller])
    assert _names(answer.locations[0]) == [
        ("shop::line_total(shop::Item const*)", "cart.h", 4),
        ("shop::sum_prices(shop::Item const*, int)", "cart.cpp", 7),
    ]
    assert _names(answer.locations[1]) == [
        ("shop::total(shop::Item const*, int)", "cart.cpp", 12),
        ("shop::crash_on(int)", "cart.cpp", 25),
    ]
    assert answer.locations[0][0].symbol == "_ZN4shopL10line_totalEPKNS_4ItemE"


async def test_return_addresses_are_of_the_call_before(finder, make_symcache):
    """A return address belongs to the call before it, that of a crash to the instruction itself."""
    symcache = await make_symcache(breakpad_file(TWO))
    expected = [
        (AddressQuestion(0, 0x1020, 0, "exact"), "two"),
        (AddressQuestion(0, 0x1020, 0, "caller"), "one"),
        (AddressQuestion(0, 0x1020, 0, "crashed"), "two"),
        # The register says that the thread crashed elsewhere, so this is a return address.
        (AddressQuestion(0, 0x1020, 0, "crashed", 11, 0x1024), "one"),
        (AddressQuestion(0, 0x1020, 0, "crashed", 11, 0x1020), "two"),
        # After all functions, before the image, before all functions, in no symcache.
        (AddressQuestion(0, 2**64 - 1, 0, "exact"), None),
        (AddressQuestion(0, 0x1020, 0x2000, "exact"), None),
        (AddressQuestion(0, 0x10, 0, "exact"), None),
        (AddressQuestion(7, 0x1020, 0, "exact"), None),
    ]
    answer = await finder.look_up(1, [symcache], [question for question, _ in expected])
    names = [locations[0].symbol if locations else None for locations in answer.locations]
    assert names == [name for _, name in expected]


async def test_a_broken_symcache_does_not_spoil_the_others(finder, make_symcache, tmp_path):
    """A symcache that cannot be read is named, and the others are looked up."""
    symcache = await make_symcache(breakpad_file(TWO))
    path = tmp_path / "broken"
    path.write_bytes(os.pread(symcache.descriptor, 100, 0))
    with path.open("rb") as file:
        broken = Symcache(file.fileno(), 100)
        empty = Symcache(file.fileno(), 0)
        questions = [AddressQuestion(number, 0x1000, 0) for number in range(3)]
        answer = await finder.look_up(1, [broken, symcache, empty], questions)
    assert answer.unreadable == [0, 2]
    assert [len(each) for each in answer.locations] == [0, 1, 0]


async def test_each_project_has_a_child_of_its_own(finder, make_symcache):
    """A child serves one project; for another one it ends, and the waiting child takes over."""
    symcache = await make_symcache(breakpad_file(TWO))
    question = [AddressQuestion(0, 0x1000, 0)]
    pids = []
    for project in (1, 1, 2):
        await finder.look_up(project, [symcache], question)
        assert finder._child is not None
        pids.append(finder._child.pid)
    assert pids[0] == pids[1] != pids[2]
    await finder.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_child_that_died_is_replaced(finder, make_symcache):
    """When a child was killed between two events, the next event gets its answer from another."""
    symcache = await make_symcache(breakpad_file(TWO))
    question = [AddressQuestion(0, 0x1000, 0)]
    await finder.look_up(1, [symcache], question)
    os.kill(finder._child.pid, signal.SIGKILL)
    assert len((await finder.look_up(1, [symcache], question)).locations[0]) == 1


async def test_an_event_that_gives_up_spoils_no_other(finder, make_symcache):
    """The answer for an event that has given up is dropped, and its child serves the next one."""
    symcache = await make_symcache(breakpad_file(TWO))
    one, two = AddressQuestion(0, 0x1000, 0), AddressQuestion(0, 0x1020, 0)
    await finder.look_up(1, [symcache], [one])
    pid = finder._child.pid
    begun = asyncio.create_task(finder.look_up(1, [symcache], [one] * 2_000))
    waiting = asyncio.create_task(finder.look_up(2, [symcache], [one]))
    await until(finder._turn.locked)
    begun.cancel()
    waiting.cancel()
    await asyncio.wait([begun, waiting])
    answer = await finder.look_up(1, [symcache], [two])
    assert [each[0].symbol for each in answer.locations] == ["two"]
    assert finder._child.pid == pid


async def test_files_may_be_closed_meanwhile(finder, make_symcache):
    """A request keeps the files that it was given, whatever their numbers stand for later."""
    symcache = await make_symcache(breakpad_file(TWO))
    other = await make_symcache(breakpad_file({"other": (0x1000, 64)}))
    copy = os.dup(symcache.descriptor)
    task = asyncio.create_task(
        finder.look_up(1, [Symcache(copy, symcache.size_bytes)], [AddressQuestion(0, 0x1000, 0)])
    )
    await until(finder._turn.locked)
    os.dup2(other.descriptor, copy)
    assert (await task).locations[0][0].symbol == "one"
    os.close(copy)


async def test_children_end_when_nobody_needs_them(monkeypatch, make_symcache):
    """Without events, both children end after a while."""
    monkeypatch.setattr("app.symbolicator.finder._IDLE_S", 0.0)
    finder = AddressFinder()
    symcache = await make_symcache(breakpad_file(TWO))
    await finder.look_up(1, [symcache], [AddressQuestion(0, 0x1000, 0)])
    await until(lambda: finder._child is None)
    assert finder._spare is None
    await finder.close()


async def test_start_that_failed_is_not_kept(finder, make_symcache, monkeypatch):
    """Whatever kept a child from starting, the next event tries another one."""
    symcache = await make_symcache(breakpad_file(TWO))
    question = [AddressQuestion(0, 0x1000, 0)]

    errors = [OSError(24, "Too many open files"), KeyError("unexpected")]

    def fail() -> None:
        raise errors.pop(0)

    with monkeypatch.context() as patched:
        patched.setattr("app.children.process._make_sockets", fail)
        with pytest.raises(ServiceUnavailable, match="Too many open files"):
            await finder.look_up(1, [symcache], question)
        with pytest.raises(KeyError):
            await finder.look_up(1, [symcache], question)
    assert len((await finder.look_up(1, [symcache], question)).locations[0]) == 1
