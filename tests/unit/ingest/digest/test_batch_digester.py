"""Digest lets requests that have arrived reach the journal before it goes on."""

import asyncio
import socket

import uvloop

from app.ingest.digest import batch_digester


def test_arrived_requests_go_first():
    """A socket is read, and what that schedules is run, before digest goes on."""

    async def run() -> list[str]:
        loop = asyncio.get_running_loop()
        done: list[str] = []
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            loop.add_reader(ours, lambda: (ours.recv(1), loop.call_soon(done.append, "socket")))
            await asyncio.sleep(0.01)
            theirs.send(b"x")
            await batch_digester._yield_to_event_loop()
            done.append("digest")
            loop.remove_reader(ours)
        return done

    assert uvloop.run(run()) == ["socket", "digest"]
