"""A process has the static files of every release that ran lately, exactly as their pages need."""

import brotli  # type: ignore[import-untyped]  # the package carries no types
import pytest
from sqlalchemy import select, text

from app.core.errors import DatabaseUnavailable
from app.processes import static_releases as module
from app.processes.static_releases import StaticRelease, publish_own_release
from app.processes.tables import static_releases
from tests.support.servers.server import Server

FILES = {
    "css/tokens.css": b":root { --ink: red }",
    "css/base.css": b"body { margin: 0 }",
    "js/player.js": b"export const release = 'before';",
    "fonts/sans.woff2": b"wOF2\0\1",
}


async def publish(server: Server, files: dict[str, bytes]) -> StaticRelease:
    """Let a process of another release publish its files."""
    release = StaticRelease(files)
    async with server.database.transaction() as connection:
        await connection.execute(
            static_releases.insert().values(name=release.name, archive=release.pack())
        )
    return release


async def test_a_page_of_another_release_gets_its_own_files(server):
    """Scripts, joined style sheets and fonts are those of the release that is named."""
    base = f"/static/{(await publish(server, FILES)).name}"
    script = await server.sender.get(f"{base}/js/player.js")
    assert script.content == FILES["js/player.js"]
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["x-content-type-options"] == "nosniff"
    sheet = await server.sender.get(
        f"{base}/css/bundle.css?tokens,base", headers={"accept-encoding": "identity"}
    )
    assert sheet.content == FILES["css/tokens.css"] + b"\n" + FILES["css/base.css"]
    async with server.sender.stream(
        "GET", f"{base}/css/tokens.css", headers={"accept-encoding": "br"}
    ) as packed:
        assert (
            brotli.decompress(b"".join([part async for part in packed.aiter_raw()]))
            == (FILES["css/tokens.css"])
        )
    font = await server.sender.get(f"{base}/fonts/sans.woff2")
    assert font.content == FILES["fonts/sans.woff2"]
    assert font.headers["content-type"] == "font/woff2"
    assert (await server.sender.head(f"{base}/js/player.js")).status_code == 200


async def test_what_no_release_has_is_missing(server):
    """Names that nobody published, paths outside a release, and other methods are not answered."""
    base = f"/static/{(await publish(server, FILES)).name}"
    for path in (
        f"{base}/js/none.js",
        f"{base}/",
        f"{base}/../wiring.py",
        f"{base}/%2e%2e/wiring.py",
        f"{base}/css/bundle.css?tokens,none",
        "/static/000000000000/js/player.js",
        "/static/../js/player.js",
        "/static/x",
    ):
        answer = await server.sender.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["cache-control"] == "no-store"
    own = {"origin": server.base_url}
    assert (await server.sender.post(f"{base}/js/player.js", headers=own)).status_code == 404


async def test_an_archive_that_does_not_fit_its_name_is_not_served(server):
    """Files are served under the name of their content only."""
    async with server.database.transaction() as connection:
        await connection.execute(
            static_releases.insert().values(name="a" * 12, archive=StaticRelease(FILES).pack())
        )
    assert (await server.sender.get(f"/static/{'a' * 12}/js/player.js")).status_code == 404


async def test_without_the_database_only_own_files_are_there(server):
    """The files of this release need no database; those of others are missed with a 503."""
    own = server.service.page_services.renderer.inlined
    assert own.html
    server.database.block("the database is away")
    try:
        name = module.name_own_release()
        assert (await server.sender.get(f"/static/{name}/css/tokens.css")).status_code == 200
        assert (await server.sender.get(f"/static/{'0' * 12}/css/tokens.css")).status_code == 503
    finally:
        server.database.unblock()


async def test_a_start_publishes_and_the_newest_four_stay(server):
    """Each start renews its release, and releases of long ago are forgotten."""
    for number in range(6):
        await publish(server, {"a.js": b"%d" % number})
    async with server.database.transaction() as connection:
        await connection.execute(
            text("update static_releases set started_at = started_at - interval '1 day'")
        )
        await connection.execute(
            static_releases.delete().where(static_releases.c.name == module.name_own_release())
        )
    await publish_own_release(server.database)
    await publish_own_release(server.database)
    async with server.database.reading() as connection:
        names = (await connection.execute(select(static_releases.c.name))).scalars().all()
    assert len(names) == 4
    assert module.name_own_release() in names


async def test_a_few_other_releases_are_kept_in_memory(server):
    """Files found once need no Postgres; those of the oldest of three are read again."""
    releases = server.service.page_services.static_releases
    names = [(await publish(server, {"a.js": b"%d" % number})).name for number in range(3)]
    for name in names:
        assert await releases.find_release(name)
    server.database.block("the database is away")
    try:
        assert await releases.find_release(names[2])
        with pytest.raises(DatabaseUnavailable):
            await releases.find_release(names[0])
    finally:
        server.database.unblock()
