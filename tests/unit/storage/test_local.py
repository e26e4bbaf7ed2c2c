"""Tests of the store on local disk that the contract tests of all stores cannot make."""

import asyncio
import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core import clock
from app.core.errors import NotFound, ServiceUnavailable
from app.storage.disk import folders, local
from app.storage.disk.local import LocalStore

BODY = b"object" * 99


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the objects lie."""
    return tmp_path / "objects"


@pytest.fixture
async def store(root: Path) -> AsyncIterator[LocalStore]:
    """A store with two threads."""
    opened = LocalStore(root, 2)
    yield opened
    await opened.close()


def refuse(code: int):
    """Make a system call that always fails."""

    def call(*_args: object, **_named: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


def temporaries(root: Path) -> list[str]:
    """List the temporary files, of writes under way and of dead processes."""
    return sorted(path.name for path in (root / ".tmp").iterdir())


def open_files() -> int:
    """Count this process's descriptors."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_files_and_folders_are_private(store, root):
    """Folders are 0700 and files 0600, whatever the umask allows."""
    await store.put("p/1/r/x", BODY)
    for path in (root, root / "p", root / "p/1/r", root / ".tmp"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "p/1/r/x").stat().st_mode) == 0o600


async def test_delete_removes_empty_folders(store, root):
    """The last object of a replay takes its folders along, the neighbour's stay."""
    await store.put_many([("p/1/r/a/x", BODY), ("p/2/r/b/y", BODY)])
    await store.delete("p/1/r/a/x")
    assert not (root / "p/1").exists()
    assert (root / "p/2/r/b/y").exists()
    await store.delete("p/2/r/b/y")
    assert sorted(path.name for path in root.iterdir()) == [".tmp"]


async def test_every_touched_folder_is_synced_once(store, monkeypatch):
    """A batch syncs each folder that gained an entry once, and a known folder's parents never."""
    synced: list[int] = []
    fsync = os.fsync

    def counting(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", counting)
    await store.put_many([("p/1/a/x", BODY), ("p/1/a/y", BODY), ("p/1/b/z", BODY)])
    assert len(synced) == len(set(synced)) == 5  # root, p, p/1, p/1/a, p/1/b
    synced.clear()
    await store.put_many([("p/1/a/v", BODY), ("p/1/a/w", BODY)])
    assert len(synced) == 1


async def test_parents_made_by_another_process_are_synced_too(store, root, monkeypatch):
    """A folder found on disk counts as durable only after this process synced its parent."""
    (root / "p").mkdir()
    count = 0
    fsync = os.fsync

    def counting(fd: int) -> None:
        nonlocal count
        count += 1
        fsync(fd)

    monkeypatch.setattr(os, "fsync", counting)
    await store.put("p/x", BODY)
    assert count == 2


async def test_memory_of_durable_folders_is_bounded(store, monkeypatch):
    """Beyond the bound the store forgets, and still stores."""
    monkeypatch.setattr(folders, "_REMEMBERED", 2)
    for number in range(6):
        await store.put(f"p/{number}/x", BODY)
    assert len(store._folders._durable) <= 4
    assert len(await store.list("p/")) == 6


async def test_data_is_synced_before_it_gets_its_name(store, root, monkeypatch):
    """No object has its key before its bytes are on disk, and the folder is synced last."""
    steps: list[str] = []
    for name in ("fdatasync", "rename", "fsync"):
        real = getattr(os, name)

        def noting(*args, real=real, name=name, **named):
            steps.append(name)
            return real(*args, **named)

        monkeypatch.setattr(os, name, noting)
    await store.put_many([("x", BODY), ("y", BODY)])
    assert steps == ["fdatasync", "fdatasync", "rename", "rename", "fsync"]


@pytest.mark.parametrize("call", ["pwrite", "fdatasync", "rename", "fsync", "mkdir"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
async def test_failing_disk_is_unavailable_and_leaves_nothing(store, root, monkeypatch, call, code):
    """Whichever step fails, the caller gets ServiceUnavailable and no temporary file stays."""
    with monkeypatch.context() as failing:
        failing.setattr(os, call, refuse(code))
        with pytest.raises(ServiceUnavailable, match=r"local storage failed: "):
            await store.put_many([("p/x", BODY), ("p/y", BODY)])
    assert temporaries(root) == []
    await store.put("p/x", BODY)
    assert await store.read("p/x") == BODY


async def test_failed_batch_leaks_no_descriptor(store, monkeypatch):
    """A thousand failures would otherwise stop the process."""
    await store.put("p/x", BODY)
    before = open_files()
    with monkeypatch.context() as failing:
        failing.setattr(os, "rename", refuse(errno.EIO))
        for _ in range(5):
            with pytest.raises(ServiceUnavailable):
                await store.put("p/q/x", BODY)
    assert open_files() == before


async def test_short_writes_and_reads_are_continued(store, monkeypatch):
    """A system call that moves only some bytes does not shorten an object."""
    pwrite, pread = os.pwrite, os.pread
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:100], at))
    monkeypatch.setattr(os, "pread", lambda fd, count, at: pread(fd, min(count, 50), at))
    await store.put("x", BODY)
    assert await store.read("x", 7, 333) == BODY[7:340]


async def test_file_that_shrinks_while_read_ends_early(store, monkeypatch):
    """A file cut by hand gives what is left, not an endless loop."""
    await store.put("x", BODY)
    monkeypatch.setattr(os, "pread", lambda *_args: b"")
    assert await store.read("x") == b""


async def test_read_error_is_unavailable_not_absent(store, monkeypatch):
    """A disk that cannot answer must not look like a deleted object."""
    await store.put("x", BODY)
    monkeypatch.setattr(os, "pread", refuse(errno.EIO))
    with pytest.raises(ServiceUnavailable):
        await store.read("x")


async def test_link_in_place_of_an_object_is_not_followed(store, root, tmp_path):
    """Neither a read nor a list nor a put goes through a link out of the root."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    await store.put("p/x", BODY)
    (root / "p/link").symlink_to(secret)
    with pytest.raises(ServiceUnavailable):
        await store.read("p/link")
    assert [each.key for each in await store.list("")] == ["p/x"]
    await store.put("p/link", BODY)
    assert secret.read_bytes() == b"secret"


async def test_link_in_place_of_a_folder_is_not_followed(store, root, tmp_path):
    """A folder that is a link makes everything behind it unavailable, and is not listed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_bytes(b"secret")
    (root / "p").symlink_to(outside)
    for attempt in (store.read("p/x"), store.put("p/y", BODY), store.delete("p/x")):
        with pytest.raises(ServiceUnavailable):
            await attempt
    assert await store.list("") == []
    with pytest.raises(ServiceUnavailable):
        await store.list("p/")
    assert sorted(path.name for path in outside.iterdir()) == ["x"]


async def test_pipe_in_place_of_an_object_does_not_block(store, root):
    """Only regular files are objects."""
    os.mkfifo(root / "pipe")
    with pytest.raises(NotFound):
        await store.read("pipe")
    assert await store.list("") == []


async def test_folder_removed_again_and_again_gives_up(store, monkeypatch):
    """A put whose folder vanishes every time raises ServiceUnavailable."""
    monkeypatch.setattr(os, "rename", refuse(errno.ENOENT))
    with pytest.raises(ServiceUnavailable, match="vanishes whenever"):
        await store.put("p/x", BODY)


async def test_folder_removed_before_the_rename_is_made_again(store, root, monkeypatch):
    """A deletion that empties the folder at the wrong moment costs a second try."""
    rename = os.rename
    removals = iter(["p/r", "p"])

    def racing(*args, **named):
        for path in removals:
            (root / path).rmdir()
        return rename(*args, **named)

    monkeypatch.setattr(os, "rename", racing)
    await store.put("p/r/x", BODY)
    assert await store.read("p/r/x") == BODY


async def test_folder_made_by_a_rival_is_used(store, monkeypatch):
    """Two batches that make one folder at the same moment both store."""
    mkdir = os.mkdir

    def late(*args, **named):
        mkdir(*args, **named)
        mkdir(*args, **named)

    monkeypatch.setattr(os, "mkdir", late)
    await store.put("p/x", BODY)
    assert await store.read("p/x") == BODY


async def test_what_vanishes_while_listed_is_left_out_alone(store, root, monkeypatch):
    """A deletion beside a list hides the deleted, never its neighbours."""
    await store.put_many([("p/a/x", BODY), ("p/b/y", BODY), ("p/c/z", BODY), ("p/c/zz", BODY)])
    scandir = os.scandir
    p_c = (root / "p/c").stat().st_ino

    def racing(fd):
        if os.fstat(fd).st_ino == (root / "p").stat().st_ino:
            return scandir(fd)
        (root / "p/a/x").unlink(missing_ok=True)
        if os.fstat(fd).st_ino == p_c:
            listed = list(scandir(fd))
            (root / "p/c/z").unlink(missing_ok=True)
            return contextlib.nullcontext(listed)
        return scandir(fd)

    monkeypatch.setattr(os, "scandir", racing)
    assert [each.key for each in await store.list("p/")] == ["p/b/y", "p/c/zz"]


@pytest.mark.parametrize("call", ["scandir", "open"])
async def test_folder_that_vanishes_while_listed_hides_only_itself(store, root, monkeypatch, call):
    """Listing succeeds if a replay is deleted before or after its folder was opened."""
    await store.put_many([("p/a/x", BODY), ("p/b/y", BODY)])
    real = getattr(os, call)
    p_a = (root / "p/a").stat().st_ino

    def failing(target, *args, **named):
        if target == "a" or (call == "scandir" and os.fstat(target).st_ino == p_a):
            raise FileNotFoundError
        return real(target, *args, **named)

    monkeypatch.setattr(os, call, failing)
    assert [each.key for each in await store.list("p/")] == ["p/b/y"]


async def test_folder_that_cannot_be_read_makes_the_list_unavailable(store, monkeypatch):
    """An unreadable folder must not look like an empty one: deletions trust an empty list."""
    await store.put("p/a/x", BODY)
    monkeypatch.setattr(os, "scandir", refuse(errno.EIO))
    with pytest.raises(ServiceUnavailable):
        await store.list("p/")


async def test_files_that_a_dead_process_left_are_removed(root):
    """Unfinished files are removed at the next start, except those that are being written."""
    first = LocalStore(root, 1)
    for name in ("young", "left", "written"):
        (root / ".tmp" / name).write_bytes(b"half")
    earlier_s = clock.now_ms() / 1000 - 10
    for name in ("left", "written"):
        os.utime(root / ".tmp" / name, (earlier_s, earlier_s))
    with (root / ".tmp/written").open("rb") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        second = LocalStore(root, 1)
        assert temporaries(root) == ["written", "young"]
        assert await second.remove_unfinished() == 1
    os.utime(root / ".tmp/young", (earlier_s, earlier_s))
    assert await second.remove_unfinished() == 0
    assert temporaries(root) == []
    await asyncio.gather(first.close(), second.close())


async def test_objects_that_are_being_put_are_no_leftovers(root):
    """A store that tidies up while another one writes takes nothing away from it."""
    first, second = LocalStore(root, 4), LocalStore(root, 1)
    objects = [(f"p/{number}", b"x" * 100_000) for number in range(1, 60)]
    putting = asyncio.create_task(first.put_many(objects))
    while not putting.done():
        await second.remove_unfinished()
    await putting
    assert len(await second.list("p/")) == len(objects)
    await asyncio.gather(first.close(), second.close())


def test_root_that_cannot_be_opened_is_unavailable(tmp_path):
    """A file where the root should be is reported at start."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ServiceUnavailable, match="local storage cannot open"):
        LocalStore(tmp_path / "file", 1)


def test_temporary_folder_that_is_a_link_is_refused(tmp_path):
    """Half-written objects do not go where a link points."""
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects/.tmp").symlink_to(tmp_path)
    with pytest.raises(ServiceUnavailable):
        LocalStore(tmp_path / "objects", 1)


async def test_large_batch_is_synced_in_steps(store, monkeypatch):
    """The number of files open at once is bounded."""
    monkeypatch.setattr(local, "_BATCH", 3)
    await store.put_many([(f"p/{number}", b"%d" % number) for number in range(8)])
    assert [await store.read(f"p/{number}") for number in range(8)] == [
        b"%d" % number for number in range(8)
    ]
