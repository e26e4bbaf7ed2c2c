# ruff: noqa: INP001 - a script, run by its path
"""Measures uploads of a large ELF file and a mapping by sentry-cli, while others use the server.

Run: python bench/debug_uploads.py [--mb 220] [--quiet-s 10]
It compiles the file with g++ and objcopy, starts `playhead serve` with a Postgres of its own, runs
`sentry-cli debug-files upload --wait`, and asks for the health of the server every 20 ms meanwhile.
Prints how long the upload takes, the memory of the server and of the child, and how much slower the
other answers are. The module dependencies of `tests/sdk` must be installed.
"""

import argparse
import asyncio
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx2
import psutil

from app.core import clock
from tests.sdk.cli import BuildServer
from tests.support.builders import mappings, uploads
from tests.support.servers.ports import find_free_port

_HOUSE: Final = Path(__file__).resolve().parent.parent
_MIB: Final = 1024 * 1024
_PROBE_S: Final = 0.02
_CLASSES: Final = 12_500
"""A mapping of so many classes has 50 MB."""
_PATIENCE_S: Final = 60
_CHILD: Final = "app.symbolicator.program"
_SOURCE: Final = """
namespace shop{n} {{
struct Item {{ std::string name; double price; int count; }};
template <typename T> struct Cart {{
  std::vector<T> items; std::map<std::string, std::shared_ptr<T>> index;
  void add(const T& item) {{ items.push_back(item); index[item.name] = std::make_shared<T>(item); }}
  double total() const {{
    double sum = 0; for (const auto& each : items) sum += each.price * each.count; return sum; }}
  void sort() {{
    std::sort(items.begin(), items.end(), [](auto& a, auto& b) {{ return a.price < b.price; }}); }}
}};
double checkout(int count) {{
  Cart<Item> cart;
  for (int at = 0; at < count; ++at) cart.add({{std::to_string(at), at * 1.5, at}});
  cart.sort();
  std::function<double(double)> tax = [&](double value) {{ return value * (1.0 + {n} / 100.0); }};
  return tax(cart.total());
}}
}}
"""
_INCLUDES: Final = ("algorithm", "functional", "map", "memory", "string", "vector")


def build_elf(folder: Path, size_mb: int) -> Path:
    """Build a library with so many megabytes of DWARF, which no other run has built."""
    source, compiled = folder / "shop.cpp", folder / "shop.o"
    includes = "".join(f"#include <{name}>\n" for name in _INCLUDES)
    unique = f'const char* build() {{ return "{secrets.token_hex(8)}"; }}\n'
    source.write_text(includes + unique + "".join(_SOURCE.format(n=n) for n in range(20)))
    _run("g++", "-g", "-O1", "-fPIC", "-std=c++17", "-c", source, "-o", compiled)
    copies = [compiled]
    library = folder / "libshop.so"
    while True:
        target = 10 if len(copies) == 1 else _guess_copies(library, len(copies), size_mb)
        for number in range(len(copies), target):
            copy = folder / f"shop{number}.o"
            _run("objcopy", f"--prefix-symbols=k{number}_", compiled, copy)
            copies.append(copy)
        _run(
            "g++", "-shared", "-nostdlib", "-Wl,--build-id=sha1",
            "-Wl,--unresolved-symbols=ignore-all", *copies, "-o", library,
        )  # fmt: skip
        if library.stat().st_size >= size_mb * 1_000_000:
            return library


def _guess_copies(library: Path, copies: int, size_mb: int) -> int:
    return int(copies * size_mb * 1_000_000 / library.stat().st_size) + 2


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True)  # noqa: S603 - our own command


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[psutil.Process, BuildServer]]:
    """Start a server with its own Postgres, a project and a token."""
    port = find_free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "PLAYHEAD_DATA_DIR": str(folder / "data"),
        "PLAYHEAD_PORT": str(port),
        "PLAYHEAD_PUBLIC_URL": url,
        "PLAYHEAD_JOURNAL_RESERVE_BYTES": "0",
        "PYTHONPATH": str(_HOUSE),
    }
    command = [sys.executable, "-m", "app.cli"]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen([*command, "serve"], env=environment, stdout=log, stderr=log) as server,  # noqa: S603 - our own command
    ):
        try:
            _wait_until_served(url, folder / "server.log")

            def ask(*arguments: str) -> str:
                run = [*command, *arguments]
                return subprocess.check_output(run, env=environment, text=True)  # noqa: S603 - our own command

            ask("project", "add", "Shop")
            token = ask("token", "add", "Bench", "--project", "shop").split()[-1]
            home = folder / "home"
            home.mkdir()
            yield psutil.Process(server.pid), BuildServer("3.8", url, "shop", token, home)
        finally:
            server.terminate()


def _wait_until_served(url: str, log: Path) -> None:
    until_s = clock.monotonic_s() + _PATIENCE_S
    while clock.monotonic_s() < until_s:
        try:
            if httpx2.get(f"{url}/health/ready", trust_env=False).status_code == httpx2.codes.OK:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    raise SystemExit(log.read_text())


class _Watch:
    """Asks the server all the time, and looks at its memory."""

    def __init__(self, server: psutil.Process, url: str) -> None:
        self._server = server
        self._url = url
        self.answers_ms: list[float] = []
        self.server_bytes = 0
        self.child_bytes = 0
        self.child_address_space_bytes = 0

    async def run(self) -> None:
        """Go on until it is cancelled."""
        async with httpx2.AsyncClient(base_url=self._url, trust_env=False) as client:
            while True:
                began_s = clock.monotonic_s()
                (await client.get("/health/live")).raise_for_status()
                self.answers_ms.append((clock.monotonic_s() - began_s) * 1_000)
                self._look()
                await asyncio.sleep(_PROBE_S)

    def _look(self) -> None:
        self.server_bytes = max(self.server_bytes, _private_bytes(self._server))
        for child in self._server.children():
            try:
                if _CHILD in child.cmdline():
                    memory = child.memory_info()
                    self.child_bytes = max(self.child_bytes, memory.rss)
                    self.child_address_space_bytes = max(self.child_address_space_bytes, memory.vms)
            except psutil.Error:
                continue

    def describe(self) -> str:
        """Describe the answers."""
        ordered = sorted(self.answers_ms)
        return (
            f"{len(ordered)} answers, median {statistics.median(ordered):.1f} ms, "
            f"p99 {ordered[int(len(ordered) * 0.99)]:.1f} ms, longest {ordered[-1]:.1f} ms"
        )


def _private_bytes(process: psutil.Process) -> int:
    """Return the resident memory of a process."""
    resident: int = process.memory_info().rss
    return resident


async def _measure(
    files: Sequence[tuple[Path, tuple[str, ...]]],
    server: psutil.Process,
    build: BuildServer,
    quiet_s: float,
) -> None:
    quiet = await _watch(server, build, asyncio.sleep(quiet_s))
    _print(f"quiet   {quiet.describe()}; server {quiet.server_bytes / _MIB:.0f} MiB")
    for path, command in files:
        await _measure_upload(path, command, server, build, before_bytes=quiet.server_bytes)


async def _measure_upload(
    library: Path,
    command: tuple[str, ...],
    server: psutil.Process,
    build: BuildServer,
    *,
    before_bytes: int,
) -> None:
    size_bytes = library.stat().st_size  # noqa: ASYNC240 - nothing else runs
    before_s, cpu_before_s = clock.monotonic_s(), sum(server.cpu_times()[:2])
    run = asyncio.create_task(build.run(*command, library))
    busy = await _watch(server, build, run)
    result = run.result()
    content = library.read_bytes()  # noqa: ASYNC240 - nothing else runs
    usable_s = await _wait_until_usable(build, content, before_s)
    if result.status:
        raise SystemExit(result.output)
    _print(
        f"upload  {size_bytes / 1e6:.0f} MB usable after {usable_s:.1f} s,"
        f" {sum(server.cpu_times()[:2]) - cpu_before_s:.1f} s of CPU in the server"
    )
    _print(f"        {busy.describe()}")
    _print(
        f"memory  server +{(busy.server_bytes - before_bytes) / _MIB:.1f} MiB, "
        f"child {busy.child_bytes / _MIB:.0f} MiB resident, "
        f"{busy.child_address_space_bytes / _MIB:.0f} MiB of address space"
    )
    _print(result.output.strip())


async def _wait_until_usable(build: BuildServer, content: bytes, began_s: float) -> float:
    """Ask until the server has the file; returns the seconds since its upload began."""
    headers = {"Authorization": f"Bearer {build.token}"}
    question = uploads.ask(content, name="" if content[:4] != b"\x7fELF" else "libshop.so")
    async with httpx2.AsyncClient(base_url=build.url, headers=headers, trust_env=False) as client:
        while True:
            (answer,) = (await uploads.assemble(client, build.project, question)).values()
            if answer["state"] == "ok":
                return clock.monotonic_s() - began_s
            await asyncio.sleep(_PROBE_S)


async def _watch(server: psutil.Process, build: BuildServer, work: object) -> _Watch:
    watch = _Watch(server, build.url)
    watching = asyncio.create_task(watch.run())
    await asyncio.gather(work)  # type: ignore[call-overload]  # an awaitable
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return watch


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Build the file, upload it, and print what it took."""
    parser = argparse.ArgumentParser(description="Measure uploads of debug files.")
    parser.add_argument("--mb", type=int, default=220)
    parser.add_argument("--file", type=Path, help="upload this file instead of a new one")
    parser.add_argument("--quiet-s", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The embedded Postgres runs as another user when root starts it.
        folder.chmod(0o711)
        library = options.file or build_elf(folder, options.mb)
        mapping = folder / "mapping.txt"
        with mapping.open("w") as text:
            text.writelines(mappings.build_mapping(_CLASSES))
        files = [
            (library, ("debug-files", "upload", "--wait")),
            (mapping, ("upload-proguard",)),
        ]
        with _serving(folder) as (server, build):
            asyncio.run(_measure(files, server, build, options.quiet_s))


if __name__ == "__main__":
    main()
