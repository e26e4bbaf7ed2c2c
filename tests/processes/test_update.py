"""The steps for an update, and for going back, are carried out as docs/deployment.md has them."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from app.core.ids import ReplayId
from app.db import migrate
from app.db.engine import Database
from app.replays import queries
from app.replays.model import ReplayKey
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers import process, s3
from tests.support.servers.installed import ROOT
from tests.support.servers.next_release import NEXT_REVISION, NEXT_VERSION, make_next_release
from tests.support.servers.postgres import as_app
from tests.support.servers.process import ForkServer, LaunchOptions, ServerProcess
from tests.support.servers.server import Keyed, keyed
from tests.support.waiting import PATIENCE_S

_DATA: Final = "/var/lib/playhead"
_BACKUPS: Final = "/var/backups/playhead"


def read_commands(heading: str) -> list[str]:
    """Return the commands of the first block below a heading of the guide."""
    guide = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    section = guide[guide.index(f"\n{heading}\n") :]
    match = re.search(r"\n```\n(.*?)\n```\n", section, re.DOTALL)
    assert match is not None
    return match[1].splitlines()


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """Make the checkout of the next release."""
    return make_next_release(tmp_path / "next")


@dataclass
class Host:
    """A machine with a service of systemd, and a release of Playhead that is installed."""

    folder: Path
    settings: Mapping[str, Any]
    stack: ExitStack
    releases: Mapping[str, ForkServer]
    """What starts servers and commands of each release."""
    installed: str = "this"
    has_new_wheel: bool = False
    """Whether the wheel of the next release was built; other tests install a real one."""
    server: ServerProcess | None = None
    running: ExitStack = field(default_factory=ExitStack)
    output: str = ""
    """What the last command has printed."""

    def carry_out(self, command: str) -> None:
        """Carry out a command of the guide; it must succeed."""
        command = command.replace(_DATA, str(self.folder))
        command = command.replace(_BACKUPS, str(self.folder.parent / "backups"))
        match command.split():
            case ["playhead", *arguments]:
                assert self.run_playhead(*arguments) == 0, self.output
            case ["/opt/playhead/bin/pip", "install", *_, "-r", "requirements/app.lock"]:
                pass
            case ["rm", "-rf", "dist", "&&", "make", "wheel"]:
                self.has_new_wheel = True
            case ["/opt/playhead/bin/pip", "install", *_, wheel]:
                self.installed = "this" if wheel.startswith("older/") else "next"
                assert self.has_new_wheel, "there is no wheel of the next release yet"
            case ["systemctl", verb, "playhead"]:
                self.control(verb)
            case ["find", *_]:
                done = subprocess.run(
                    ["sh", "-c", command], capture_output=True, text=True, check=True
                )
                assert done.stdout == ""
            case _:
                pytest.fail(f"the guide has a command that this test does not know: {command}")

    def control(self, verb: str) -> None:
        """Start, stop or restart the service."""
        if verb in {"stop", "restart"}:
            self.running.close()
        if verb in {"start", "restart"}:
            options = LaunchOptions(fork_server=self.releases[self.installed])
            url = self.settings["database_url"]
            others = {name: each for name, each in self.settings.items() if name != "database_url"}
            launching = process.launch_and_wait(url, self.folder, options, **others)
            self.server = self.running.enter_context(launching)

    def run_playhead(self, *arguments: str, **changes: str) -> int:
        """Run a command of the installed release; returns its status."""
        settings = {"data_dir": str(self.folder), **self.settings, **changes}
        variables = {f"PLAYHEAD_{name.upper()}": str(value) for name, value in settings.items()}
        result = process.run_command(
            *arguments,
            folder=self.folder.parent,
            environment=variables,
            fork_server=self.releases[self.installed],
        )
        self.output = result.output + result.errors
        return result.status

    async def take_segment(self, project: Keyed, segment_id: int) -> None:
        """Send a segment to the server, and wait until it is digested."""
        assert self.server is not None
        async with httpx2.AsyncClient(
            base_url=self.server.base_url, trust_env=False, timeout=PATIENCE_S
        ) as client:
            answer = await client.post(
                f"/api/{project.id}/envelope/",
                content=envelopes.replay_video_envelope(segment_id),
                headers=envelopes.headers(project.key, encoding=None),
            )
            assert answer.status_code == 200
            assert (await client.get("/health/ready")).status_code == 200
        await process.wait_until_digested(self.server)


@pytest.fixture
def hosts(database_url: str, tmp_path: Path, next_release: Path) -> Iterator[list[Host]]:
    """Two hosts with this release, one Postgres and one bucket."""
    with s3.serving() as service, ExitStack() as stack:
        secret = service.access.secret
        assert secret is not None
        settings = {
            "database_url": as_app(database_url),
            "database_owner_url": database_url,
            "storage": f"s3://{service.new_bucket()}/here",
            "s3_endpoint_url": service.access.endpoint_url,
            "s3_region": "us-east-1",
            "s3_access_key_id": service.access.key_id,
            "s3_secret_access_key": secret.get_secret_value(),
            "s3_addressing": "path",
            "journal_keep_s": 0,
        }
        newer = ForkServer({"PYTHONPATH": f"{next_release}:{ROOT}"})
        stack.callback(newer.close)
        releases = {"this": process.get_fork_server(), "next": newer}
        made = [Host(tmp_path / name, settings, stack, releases) for name in ("a", "b")]
        for host in made:
            host.folder.mkdir()
            stack.callback(host.running.close)
        yield made


async def count_segments(database: Database, project: Keyed) -> int:
    """Return how many segments of the replay are stored."""
    async with database.reading() as connection:
        key = ReplayKey(project.id, ReplayId(REPLAY_ID))
        replay = await queries.find_replay(connection, key)
    return 0 if replay is None else replay.segments


async def test_an_update_and_the_way_back_follow_the_guide(
    database_url: str, empty_database_url: str, database: Database, hosts: list[Host]
):
    """One host is updated and set back while another runs the release before; nothing is lost."""
    project = await keyed(database, "App")
    host, other = hosts
    host.control("start")
    other.control("start")
    await host.take_segment(project, 0)
    for command in read_commands("## Updates"):
        host.carry_out(command)
    assert host.installed == "next"
    assert NEXT_VERSION in host.output
    assert await migrate.current_revision(database_url) == NEXT_REVISION
    await host.take_segment(project, 1)
    await other.take_segment(project, 2)
    newer_backups = str(host.folder.parent / "newer")
    assert host.run_playhead("backup", newer_backups) == 0, host.output
    for command in read_commands("### Going back"):
        host.carry_out(command)
    assert host.installed == "this"
    assert f"at {NEXT_REVISION}" in host.output
    await host.take_segment(project, 3)
    assert await count_segments(database, project) == 4
    assert host.run_playhead("backup", str(host.folder.parent / "backups")) == 0, host.output
    host.control("stop")
    elsewhere = {"database_url": empty_database_url, "database_owner_url": empty_database_url}
    assert host.run_playhead("restore", newer_backups, **elsewhere) == 1
    assert "restore with that release or a later one" in host.output
