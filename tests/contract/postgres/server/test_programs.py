"""The embedded Postgres runs programs of the wheel or of a distribution, of a known age."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from app.cli import doctor
from app.cli.checks.check_result import CheckLevel
from app.core import clock
from app.core.errors import ServiceUnavailable
from app.db import roles
from app.db.server import programs
from app.db.server.embedded import EmbeddedPostgres
from app.db.server.postmaster import Postmaster
from app.db.server.programs import PostgresPrograms


def list_distributions() -> list[Path]:
    """List the Postgres installations of Debian or Ubuntu packages on this machine."""
    return [
        folder
        for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if int(folder.parent.name) >= programs.OLDEST and (folder / "initdb").exists()
    ]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Make a data folder outside pytest's own, which other users may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="playhead-programs-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not list_distributions(), reason="no Postgres of a distribution")
async def test_a_distributions_postgres_can_be_used(data_dir: Path):
    """A distribution's Postgres makes a cluster, sorts like the wheel's, and is migrated."""
    bin_dir = list_distributions()[0]
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


@pytest.mark.skipif(not list_distributions(), reason="no Postgres of a distribution")
def test_a_cluster_of_another_version_names_the_setting(data_dir: Path):
    """The data folder is left alone, and the error names the setting."""
    cluster = data_dir / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("14\n")
    with pytest.raises(ServiceUnavailable, match=r"made by Postgres 14.*PLAYHEAD_POSTGRES_BIN"):
        Postmaster(data_dir, bin_dir=list_distributions()[0]).start()


@pytest.mark.parametrize(
    ("script", "message"),
    [(None, "no Postgres in"), ("echo postgres 14.2", "too old"), ("exit 1", "no Postgres in")],
)
def test_a_folder_without_a_usable_postgres_is_named(
    tmp_path: Path, script: str | None, message: str
):
    """The error names the setting and the folder."""
    if script is not None:
        (tmp_path / "postgres").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "postgres").chmod(0o755)
    with pytest.raises(ServiceUnavailable, match=rf"PLAYHEAD_POSTGRES_BIN: .*{message}"):
        PostgresPrograms.find(tmp_path)


def test_the_release_date_of_the_bundled_postgres_is_known():
    """The release date of the bundled Postgres is added when its package is updated."""
    program = PostgresPrograms.find(None).folder / "postgres"
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert programs.find_release_date(result.stdout.split()[-1], None) is not None


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), CheckLevel.OK),
        (datetime(2026, 12, 1, tzinfo=UTC), CheckLevel.WARN),
    ],
)
def test_the_doctor_reports_the_age_of_postgres(
    monkeypatch: pytest.MonkeyPatch, now: datetime, state: CheckLevel
):
    """The doctor warns of a Postgres that misses newer minor releases."""
    monkeypatch.setattr(clock, "now", lambda: now)
    finding = doctor._check_postgres("embedded", "18.4", None)
    assert finding.state is state
    assert "Postgres 18.4 of 14 May 2026" in finding.text
    assert ("PLAYHEAD_POSTGRES_BIN" in finding.text) is (state is CheckLevel.WARN)


def test_an_unknown_release_has_the_date_of_its_program(tmp_path: Path):
    """A distribution's program has the date of its build; other servers have no date."""
    (tmp_path / "postgres").touch()
    built = programs.find_release_date("99.1 (Debian 99.1-1)", tmp_path)
    assert built == datetime.fromtimestamp((tmp_path / "postgres").stat().st_mtime, UTC).date()
    assert programs.find_release_date("99.1", None) is None
    assert programs.find_release_date("99.1", tmp_path / "none") is None
    assert doctor._check_postgres("external", "99.1", None).state is CheckLevel.OK
