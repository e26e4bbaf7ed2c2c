"""A process that has imported the whole server and forks ready ones on request.

Importing takes a second, forking ten milliseconds: so a test can afford hundreds of servers that
are killed. Run as a program this file is that process; `tests.support.servers.process` talks to it.

    socket (standard input) ─► one JSON request and the write end of a pipe ─► fork ─► pid
    pipe ◄─ the child: a line when it listens, a line with the place when it kills itself

A child can also be a command of `playhead`, which says with what status it ends.
"""

import asyncio
import ctypes
import functools
import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from unittest import mock

import uvloop

from app import cli, main
from app.core import log
from app.core.settings import Settings
from app.ingest.digest import batch_digester, store
from app.main import StartReport
from app.processes.static_releases import name_own_release
from app.supervisor.serve_workers import serve_workers
from app.supervisor.supervisor import StartObserver
from app.web.frame.rendering import assets
from app.web.frame.rendering.renderer import Renderer
from app.wiring import pages
from tests.support.faults import kill_steps

REQUEST_BYTES: Final = 64 * 1024
_SET_DEATH_SIGNAL: Final = 1
"""PR_SET_PDEATHSIG."""


def _prepare_pages() -> None:
    """Compile all templates and compress all scripts, which takes a server 0.8 s of a core."""
    shared = functools.cache(Renderer)
    vars(pages)["Renderer"] = shared
    # As `pages.make_renderer` calls it, for servers that are no cell.
    shared(static_base=f"/static/{name_own_release()}", has_cells=False).prepare()
    assets.prepare_assets()


def _wait_for_requests() -> None:
    with socket.socket(fileno=0) as control:
        while True:
            request, pipes, _, _ = socket.recv_fds(control, REQUEST_BYTES, 1)
            if not pipes:  # the other end is gone
                return
            (pipe,) = pipes
            pid = os.fork()
            if pid == 0:
                control.detach()
                _run_child(json.loads(request), pipe)
            os.close(pipe)
            # Opened here: only the parent knows that the process id still belongs to its child.
            handle = os.pidfd_open(pid)
            socket.send_fds(control, [str(pid).encode()], [handle])
            os.close(handle)
            _reap_children()


def _reap_children() -> None:
    """Wait for the children that have ended, so that no zombie stays."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _run_child(wanted: dict[str, Any], pipe: int) -> None:
    """Be a server until told to stop; never returns."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.setsid()
        if wanted["log_file"]:
            os.dup2(os.open(wanted["log_file"], os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        if wanted["address_space_bytes"]:
            _, most = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (wanted["address_space_bytes"], most))
        if wanted["open_files"]:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted["open_files"],) * 2)
        os.environ.update(wanted["environment"])
        if "command" in wanted:
            _write_message(pipe, {"status": _run_command(wanted)})
        else:
            _serve(wanted, pipe)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing else would ever show why it ended
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _run_command(wanted: dict[str, Any]) -> int:
    """Run a command as a person does, whose output goes into two files; returns its status."""
    for number, name in ((1, "output"), (2, "errors")):
        file = os.open(wanted[name], os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    os.chdir(wanted["folder"])
    sys.argv = ["playhead", *wanted["command"]]
    try:
        cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
    return 0


def _serve(wanted: dict[str, Any], pipe: int) -> None:
    log.set_up_logging(json_lines=True)

    def tell(started: StartReport) -> None:
        _write_message(pipe, asdict(started))

    settings = Settings()
    if settings.workers > 1:
        serve_workers(settings, StartObserver(tell, lambda _reason: None))
        return
    is_stepped = wanted["kill_at"] is not None
    hold: AbstractContextManager[Any] = nullcontext()
    if wanted["hold_digest"]:
        hold = mock.patch.object(batch_digester, "store_batch", _wait_for_ever)
    elif wanted["digest_after"]:
        store_later = _store_after(Path(wanted["digest_after"]))
        hold = mock.patch.object(batch_digester, "store_batch", store_later)
    # Steps are seen by a task factory, which uvloop's tasks honour too; its transports hide theirs.
    loop = asyncio.new_event_loop if is_stepped else uvloop.new_event_loop
    with hold, asyncio.Runner(loop_factory=loop) as runner:
        if is_stepped:
            kill_steps.install_kill_at_step(
                runner.get_loop(),
                wanted["kill_at"],
                lambda place: _write_message(pipe, {"place": place}),
                within=wanted["kill_within"],
            )
        runner.run(main.serve(settings, tell, lambda _reason: None))


def _store_after(path: Path) -> Callable[..., Awaitable[Any]]:
    store_batch = store.store_batch

    async def store_later(*args: Any, **named: Any) -> Any:
        while not path.exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
            await asyncio.sleep(0.02)
        return await store_batch(*args, **named)

    return store_later


async def _wait_for_ever(*_args: object, **_named: object) -> None:
    await asyncio.Event().wait()


def _write_message(pipe: int, what: dict[str, Any]) -> None:
    os.write(pipe, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    _prepare_pages()
    _wait_for_requests()
