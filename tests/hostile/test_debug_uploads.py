"""Debug files that were changed at random are taken or refused, and the server goes on."""

import lzma
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.support import programme_size
from tests.support.builders import uploads
from tests.support.builders.api_tokens import make_token
from tests.support.report import Report
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILES: Final = programme_size.rounds(ci=14, nightly=20_000)
SAMPLES: Final = Path(__file__).parents[1] / "samples" / "symbolication"
DEBUG_ID: Final = "0bb5ae21-9a2c-4c9e-8f0c-6a1c2d3e4f50"
_TOKEN_FILES: Final = 500
"""Files of one token, so that neither its rate nor its loose chunks end the programme."""
BREAKPAD: Final = b"""MODULE Linux arm64 0123456789ABCDEF0123456789ABCDEF0 libshop.so
FILE 0 shop/cart.cpp
FUNC 1000 30 0 shop::Cart::add(int)
1000 10 7 0
1010 20 8 0
PUBLIC 2000 0 exported
STACK CFI INIT 1000 30 .cfa: $rsp 8 +
"""


def read_sample(*names: str) -> bytes:
    """Read a sample file, which may be packed in the repository."""
    path = SAMPLES.joinpath(*names)
    if path.exists():
        return path.read_bytes()
    return lzma.decompress(path.with_name(f"{path.name}.xz").read_bytes())


def list_samples() -> dict[str, bytes]:
    """Return a good file of each kind, by the name under which it is uploaded."""
    return {
        "libshop.so": read_sample("elf-arm64", "debug", "libshop.so"),
        "Shop": read_sample(
            "macho-dsym", "Shop.framework.dSYM", "Contents", "Resources", "DWARF", "Shop"
        ),
        "libshop.sym": BREAKPAD,
        "/proguard/x.txt": read_sample("r8", "mapping.txt"),
        "sources.zip": read_sample(
            "proguard", "sources", "7d0e0650-6104-56e8-a7fe-020b7f400ca5.zip"
        ),
        "dartsymbolmap.json": read_sample("dart", "dartsymbolmap.json"),
        "artifact-bundle.zip": read_sample("hermes", "uploaded", "artifact-bundle.zip"),
    }


def flip(content: bytearray, dice: random.Random) -> None:
    """Change some bytes."""
    for _ in range(dice.randrange(1, 20)):
        content[dice.randrange(len(content))] = dice.randrange(256)


def cut(content: bytearray, dice: random.Random) -> None:
    """Cut the file, or a piece out of it."""
    start = dice.randrange(len(content))
    del content[start : start + dice.randrange(1, len(content) + 1)]


def insert(content: bytearray, dice: random.Random) -> None:
    """Insert noise, or a piece of the file itself."""
    start = dice.randrange(len(content))
    piece = dice.randbytes(dice.randrange(1, 300)) if dice.random() < 0.5 else content[start:]
    content[dice.randrange(len(content)) : 0] = piece


def write_number(content: bytearray, dice: random.Random) -> None:
    """Write a number that is often a limit, where a size or an offset may be."""
    number = dice.choice([0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63, 2**64 - 1])
    size = dice.choice([2, 4, 8])
    start = dice.randrange(max(1, min(len(content), 4_096)))
    content[start : start + size] = (number % 2 ** (8 * size)).to_bytes(size, "little")


CHANGES: Final[tuple[Callable[[bytearray, random.Random], None], ...]] = (
    flip, cut, insert, write_number, write_number,
)  # fmt: skip


@asynccontextmanager
async def builder(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """Open a client with a token of its own."""
    token = await make_token(server.database, server.app.id)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        base_url=server.base_url, headers=headers, trust_env=False, timeout=PATIENCE_S
    ) as client:
        yield client


async def send(client: httpx2.AsyncClient, project: object, name: str, content: bytes) -> Any:
    """Upload a file; the helpers assert that each answer is 200."""
    if name == "artifact-bundle.zip":
        return await uploads.upload_bundle(client, project, content=content, version="1.0")
    more = {"debug_id": DEBUG_ID} if name == "dartsymbolmap.json" else {}
    return await uploads.upload(client, project, content, name=name, **more)


async def test_changed_files_are_taken_or_refused(tenant: Server, report: Report):
    """A file of any kind with any damage gets an answer for the build log, and never a 5xx."""
    dice = programme_size.seeded_dice("changed debug files")
    samples = list(list_samples().items())
    done = 0
    while done < FILES:
        async with builder(tenant) as client:
            states = {"ok": 0, "error": 0, "assembling": 0}
            for number in range(done, min(done + _TOKEN_FILES, FILES)):
                name, content = samples[number % len(samples)]
                changed = bytearray(content)
                dice.choice(CHANGES)(changed, dice)
                answer = await send(client, tenant.app.id, name, bytes(changed))
                states[answer["state"]] += 1
                if answer["state"] == "error":
                    assert 0 < len(answer["detail"]) < 1_000
            assert (await client.get("/api/0/")).status_code == 200
        report.round(files=sum(states.values()), **states)
        done += _TOKEN_FILES
