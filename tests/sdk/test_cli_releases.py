"""The unmodified sentry-cli, in three versions, names, finishes, deploys and lists releases."""

import subprocess
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sdk.cli import VERSIONS, BuildServer
from tests.support.builders.api_tokens import make_token, project_builder
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

RELEASE = "com.acme.shop@2.4.0+240"


def run_git(folder: Path, *arguments: str) -> str:
    """Run git in a clone; returns what it prints."""
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    run = subprocess.run((*git, *arguments), cwd=folder, check=True, capture_output=True, text=True)
    return run.stdout.strip()


@pytest_asyncio.fixture(params=VERSIONS, loop_scope="session")
async def cli(request, tenant: Server, tmp_path: Path) -> BuildServer:
    """A build server with a token for the project of the tenant, in the clone of a repository."""
    token = await make_token(tenant.database, tenant.app.id, address=tenant.base_url)
    run_git(tmp_path, "init", "-q")
    run_git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Mend the cart")
    return BuildServer(request.param, tenant.base_url, str(tenant.app.id), token, tmp_path)


async def succeed(cli: BuildServer, *arguments: str) -> str:
    """Run a command that must succeed; returns what it prints."""
    run = await cli.run(*arguments)
    assert run.status == 0, f"{arguments}: {run.output}"
    return run.output


async def test_a_release_has_its_whole_life(cli: BuildServer, tenant: Server):
    """Every command about releases that build scripts have works, and nothing of it is lost."""
    info = await succeed(cli, "info")
    assert "project:releases" in info
    assert "org:ci" in info
    assert "Unrecognized auth token" not in info
    await succeed(cli, "releases", "new", RELEASE, "--url", "https://ci.example.com/7")
    await succeed(cli, "releases", "set-commits", RELEASE, "--auto")
    await succeed(cli, "releases", "finalize", RELEASE)
    deploy = ("new", "-e", "production", "-n", "v2")
    if cli.version.startswith("3"):
        await succeed(cli, "deploys", *deploy, "-r", RELEASE)
    else:
        await succeed(cli, "releases", "deploys", RELEASE, *deploy)
    assert RELEASE in await succeed(cli, "releases", "list")
    output = await succeed(cli, "releases", "info", RELEASE, "--show-projects", "--show-commits")
    head = run_git(cli.home, "rev-parse", "HEAD")
    assert head in output
    async with project_builder(tenant) as client:
        (release,) = (await client.get("/api/0/organizations/any/releases/")).json()
    assert (release["version"], release["url"]) == (RELEASE, "https://ci.example.com/7")
    assert release["dateReleased"]
    assert (release["commitCount"], release["lastCommit"]["id"]) == (1, head)
    assert (release["lastDeploy"]["environment"], release["lastDeploy"]["name"]) == (
        "production",
        "v2",
    )
    await succeed(cli, "releases", "archive", RELEASE)
    await succeed(cli, "releases", "restore", RELEASE)
    await succeed(cli, "releases", "delete", RELEASE)
    assert (await cli.run("releases", "info", RELEASE)).status == 1


async def test_what_is_reached_is_listed(cli: BuildServer, tenant: Server):
    """`organizations list` and `projects list` name what the token reaches."""
    assert "playhead" in await succeed(cli, "organizations", "list")
    assert str(tenant.app.id) in await succeed(cli, "projects", "list")


async def test_a_token_that_does_not_work_is_named_in_the_build_log(
    cli: BuildServer, tenant: Server
):
    """The sentence of the server reaches the person who reads the log of the build."""
    other = BuildServer(
        cli.version,
        cli.url,
        cli.project,
        await make_token(tenant.database, tenant.backend.id, address=cli.url),
        cli.home,
    )
    run = await other.run("releases", "new", RELEASE)
    assert run.status != 0
    assert "is not for the project" in run.output
