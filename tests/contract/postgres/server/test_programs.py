"""The programs of the embedded Postgres: the wheel's, or a distribution's; and how old they are."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from app.cli import doctor
from app.cli.doctor import CheckState
from app.core import clock
from app.core.errors import ServiceUnavailable
from app.db import programs, roles
from app.db.embedded import EmbeddedPostgres
from app.db.postmaster import Postmaster
from app.db.programs import Programs


def distributions() -> list[Path]:
    """Return the Postgres that Debian's or Ubuntu's packages have put here, if there are any."""
    return [
        folder
        for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if int(folder.parent.name) >= programs.OLDEST and (folder / "initdb").exists()
    ]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder outside pytest's own, which other users may not pass."""
    folder = Path(tempfile.mkdtemp(prefix="playhead-programs-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not distributions(), reason="no Postgres of a distribution")
async def test_a_distributions_postgres_can_be_used(data_dir: Path):
    """It makes the cluster, sorts as the wheel's does, and takes every migration."""
    bin_dir = distributions()[0]
    server = EmbeddedPostgres(bin_dir=bin_dir)
    urls = await server.start(data_dir)
    try:
        await roles.prepare_schema(urls)
        connection = await asyncpg.connect(urls.app)
        version = await connection.fetchval("show server_version")
        assert version.partition(".")[0] == bin_dir.parent.name
        assert await connection.fetchval("select upper('ä') || ('a' < 'B')::text") == "Äfalse"
        assert await connection.fetchval("show data_checksums") == "on"
        await connection.close()
    finally:
        await server.stop()


@pytest.mark.skipif(not distributions(), reason="no Postgres of a distribution")
def test_a_cluster_of_another_version_names_the_way_out(data_dir: Path):
    """The data folder is left alone, and the setting is named."""
    cluster = data_dir / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("14\n")
    with pytest.raises(ServiceUnavailable, match=r"made by Postgres 14.*PLAYHEAD_POSTGRES_BIN"):
        Postmaster(data_dir, bin_dir=distributions()[0]).start()


@pytest.mark.parametrize(
    ("script", "message"),
    [(None, "no Postgres in"), ("echo postgres 14.2", "too old"), ("exit 1", "no Postgres in")],
)
def test_a_folder_without_a_usable_postgres_is_named(
    tmp_path: Path, script: str | None, message: str
):
    """The setting and the folder stand in the message."""
    if script is not None:
        (tmp_path / "postgres").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "postgres").chmod(0o755)
    with pytest.raises(ServiceUnavailable, match=rf"PLAYHEAD_POSTGRES_BIN: .*{message}"):
        Programs.find(tmp_path)


def test_the_age_of_the_postgres_that_we_bring_is_known():
    """Whoever updates the package adds the date of its release."""
    program = Programs.find(None).folder / "postgres"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert programs.find_release_date(told.stdout.split()[-1], None) is not None


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), CheckState.OK),
        (datetime(2026, 12, 1, tzinfo=UTC), CheckState.WARN),
    ],
)
def test_doctor_says_how_old_postgres_is(
    monkeypatch: pytest.MonkeyPatch, now: datetime, state: CheckState
):
    """Faults are mended in minor releases, which come each quarter."""
    monkeypatch.setattr(clock, "now", lambda: now)
    finding = doctor._check_postgres("embedded", "18.4", None)
    assert finding.state is state
    assert "Postgres 18.4 of 14 May 2026" in finding.text
    assert ("PLAYHEAD_POSTGRES_BIN" in finding.text) is (state is CheckState.WARN)


def test_an_unknown_release_has_the_age_of_its_program(tmp_path: Path):
    """Packages of distributions keep the time of the build; other servers tell none."""
    (tmp_path / "postgres").touch()
    built = programs.find_release_date("99.1 (Debian 99.1-1)", tmp_path)
    assert built == datetime.fromtimestamp((tmp_path / "postgres").stat().st_mtime, UTC).date()
    assert programs.find_release_date("99.1", None) is None
    assert programs.find_release_date("99.1", tmp_path / "none") is None
    assert doctor._check_postgres("external", "99.1", None).state is CheckState.OK
