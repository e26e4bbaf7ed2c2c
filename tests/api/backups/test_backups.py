"""A restored server is the one of which the backup was made, whatever it did meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.backup import database as backup_database
from app.backup.folder import BackupFolder
from app.backup.make import make_backup
from app.backup.model import BackupRefused, DamagedBackup, SilentProgress
from app.backup.objects import ObjectCopier
from app.backup.verify import BackupVerifier
from app.cli import doctor
from app.cli.checks.check_result import CheckLevel
from app.core.errors import ServiceUnavailable
from app.core.ids import ReplayId
from app.playback.pictures import schedule
from app.replays.model import ReplayKey
from app.storage import keys
from app.storage.keys import CHUNK_PREFIX
from tests.support import sealing
from tests.support.backups import Target, back_up
from tests.support.builders import clips, envelopes, uploads
from tests.support.builders.api_tokens import project_builder
from tests.support.builders.wire import REPLAY_ID
from tests.support.erasing import list_all, wait_for_state
from tests.support.recorded import contents, delivery
from tests.support.servers import s3
from tests.support.servers.bucket import Bucket, wait_until_spilled
from tests.support.servers.server import Server, running
from tests.support.waiting import until

FAMILIES = ("android-crash-a", "ios-session-a")
OTHER = "d" * 32


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server whose data folder has room for backups beside it."""
    async with running(database_url, tmp_path / "data") as started:
        yield started


@pytest.fixture
def target(empty_database_url: str, tmp_path: Path) -> Target:
    """An empty database and an empty data folder."""
    return Target(empty_database_url, tmp_path / "restored")


def read_replay_ids() -> list[str]:
    """Return the replays of the families."""
    return [contents.conclusions(family)["replays"][0]["replay_id"] for family in FAMILIES]


async def dump_all(server: Server) -> dict[str, Any]:
    """Return everything that is known of the replays and issues of a server."""
    replays = {
        replay_id: await server.dump(replay_id)
        for replay_id in (*read_replay_ids(), REPLAY_ID, OTHER)
    }
    return {"replays": replays, "issues": await server.dump_issues()}


async def fill(server: Server) -> None:
    """Store replays, some of them sealed, errors, traces and a file."""
    await delivery.deliver_family(server, FAMILIES[0])
    await sealing.seal_everything(server.database, server.service.page_services.store)
    await delivery.deliver_family(server, FAMILIES[1])
    event = envelopes.event_envelope(more_items=[envelopes.attachment_item()])
    await server.take(envelopes.replay_video_envelope(0), event)


def list_damaged(folder: Path) -> str:
    """Return what is found to be wrong with the newest backup; empty if nothing is."""
    backups = BackupFolder(folder)
    try:
        with BackupVerifier(backups, SilentProgress()) as verifier:
            verifier.verify(backups.find_name(None))
    except DamagedBackup as damage:
        return str(damage)
    return ""


async def test_a_restored_server_is_the_same(
    server: Server, database_url: str, target: Target, tmp_path: Path
):
    """Replays, issues, people and the bytes of objects are those of the server."""
    await fill(server)
    expected = await dump_all(server)
    backups = tmp_path / "backups"
    backup = await back_up(server, database_url, backups)
    assert backup.copied >= backup.manifest.objects > 0
    assert list_damaged(backups) == ""
    restored = await target.restore(backups)
    assert restored.erased_lines == 0
    async with running(target.database_url, target.folder) as copy:
        assert await dump_all(copy) == expected
        stored = await sealing.list_objects(copy.service.page_services.store)
        assert len(stored) == backup.manifest.objects
        page = await copy.web.get(copy.page(read_replay_ids()[0]))
        assert page.status_code == 200


async def test_every_kind_of_object_is_in_a_backup(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Packs, sealed objects, pictures and files are copied: all but chunks of uploads."""
    monkeypatch.setattr(schedule, "QUIET", timedelta(0))
    async with running(database_url, tmp_path / "data") as server:
        await fill(server)
        async with project_builder(server) as client:
            await uploads.upload(client, server.app.id, uploads.MAPPING)
            bundle = uploads.make_bundle({"~/app.js": "a()"})
            await uploads.upload_bundle(client, server.app.id, content=bundle, version="1.0")
        maker = server.service.maker
        async with server.database.reading() as connection:
            keys = await connection.execute(text("select project_id, replay_id from replays"))
        maker.notes.note([ReplayKey(row.project_id, ReplayId(row.replay_id.hex)) for row in keys])
        while await maker.step():
            pass
        store = server.service.page_services.store
        await sealing.sweep_everything(server.database, store)
        stored = set(await sealing.list_objects(store))
        for part in ("/v/", "/sealed-", "/pictures-", "/f/", "/mapping", "/bundle", CHUNK_PREFIX):
            assert any(part in key for key in stored), part
        backup = await back_up(server, database_url, tmp_path / "backups")
    folder = BackupFolder(tmp_path / "backups")
    kept = {key for key in stored if not key.startswith(CHUNK_PREFIX)}
    assert {each.key for each in folder.read_objects(backup.manifest.name)} == kept


async def test_envelopes_in_the_journal_are_digested_after_a_restore(
    server: Server, database_url: str, target: Target, tmp_path: Path
):
    """Envelopes that were answered 200 and are not digested yet are in the backup."""
    await server.take(envelopes.replay_video_envelope(0))
    server.database.block("Postgres is away, as far as this server knows")
    await server.post(envelopes.replay_video_envelope(1))
    backup = await back_up(server, database_url, tmp_path / "backups")
    server.database.unblock()
    assert any(each.name.startswith("journal/") for each in backup.manifest.files)
    await server.settled()
    expected = await server.dump(REPLAY_ID)
    assert expected["replay"]["segments"] == 2
    await target.restore(tmp_path / "backups")
    async with running(target.database_url, target.folder) as copy:
        await until(lambda: copy.service.ingest.digester.has_adopted)
        assert await copy.dump(REPLAY_ID) == expected
        assert (await copy.outcomes())["replay_video", "duplicate", ""] == 0


async def test_what_was_erased_after_the_backup_stays_away(
    server: Server, database_url: str, target: Target, tmp_path: Path
):
    """Erasures are applied again, also when only the backup's copy of their log is left."""
    await server.take(*(envelopes.replay_video_envelope(0, replay_id=each) for each in (
        REPLAY_ID, OTHER
    )))  # fmt: skip
    backups = tmp_path / "backups"
    first = (await back_up(server, database_url, backups)).manifest.name
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    await wait_for_state(server, (await list_all(server))[0].id)
    await back_up(server, database_url, backups)
    restored = await target.restore(backups, name=first)
    assert restored.erased_lines == 1
    async with running(target.database_url, target.folder) as copy:
        assert (await copy.web.get(copy.page(REPLAY_ID))).status_code == 410
        assert (await copy.dump(OTHER))["replay"]["segments"] == 1
    log = (target.folder / "erasures.log").read_bytes()
    assert log == (server.folder / "erasures.log").read_bytes()


async def test_a_wiped_part_of_a_pack_leaves_later_backups(
    server: Server, database_url: str, tmp_path: Path
):
    """The video of a deleted replay is in no backup once the older ones are gone."""
    video = clips.clip(frames=5, width=64, height=48)
    # One batch, hence one pack: it stays, since the other replay is in it.
    await asyncio.gather(
        server.post(envelopes.replay_video_envelope(0, video=video)),
        server.post(envelopes.replay_video_envelope(0, replay_id=OTHER)),
    )
    await server.settled()
    backups = tmp_path / "backups"

    def has_video() -> bool:
        return any(video in path.read_bytes() for path in backups.glob("objects/*/*"))

    await back_up(server, database_url, backups)
    assert has_video()
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    await wait_for_state(server, (await list_all(server))[0].id)
    await back_up(server, database_url, backups, keep=1)
    assert not has_video()


async def test_a_second_backup_copies_only_what_is_new(
    server: Server, database_url: str, tmp_path: Path
):
    """Objects are shared between backups, and go with the last one that has them."""
    await server.take(envelopes.replay_video_envelope(0))
    backups = tmp_path / "backups"
    assert (await back_up(server, database_url, backups)).copied == 1
    await server.take(envelopes.replay_video_envelope(1))
    second = await back_up(server, database_url, backups, keep=2)
    assert (second.copied, second.manifest.objects) == (1, 2)
    assert len(BackupFolder(backups).list_names()) == 2
    open_paths = [path for path in backups.rglob("*") if path.stat().st_mode & 0o077]
    assert open_paths == [], "folders and files are for their owner alone"
    third = await back_up(server, database_url, backups, keep=1)
    assert third.copied == 0
    assert BackupFolder(backups).list_names() == [third.manifest.name]
    assert list_damaged(backups) == ""


async def test_objects_that_are_deleted_meanwhile_cost_another_snapshot(
    server: Server, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A replay is sealed between the snapshot and the copies of what came after the first look."""
    await server.take(envelopes.replay_video_envelope(0))
    store = server.service.page_services.store
    copy_named = ObjectCopier.copy_named
    snapshots = 0

    async def copy_stored_nothing(self: ObjectCopier, known: object) -> int:
        return 0

    async def seal_before(self: ObjectCopier, keys: Iterable[str]) -> set[str]:
        nonlocal snapshots
        snapshots += 1
        if snapshots == 1:
            await sealing.seal_everything(server.database, store)
            await sealing.sweep_everything(server.database, store)
        return await copy_named(self, keys)

    monkeypatch.setattr(ObjectCopier, "copy_stored", copy_stored_nothing)
    monkeypatch.setattr(ObjectCopier, "copy_named", seal_before)
    backup = await back_up(server, database_url, tmp_path / "backups")
    assert snapshots == 2
    assert backup.manifest.missing == ()
    folder = BackupFolder(tmp_path / "backups")
    (copied,) = folder.read_objects(backup.manifest.name)
    assert "/sealed-" in copied.key


async def test_an_object_that_was_lost_before_is_named(
    server: Server, database_url: str, tmp_path: Path
):
    """A backup is made all the same, and says which object the store has lost."""
    await server.take(envelopes.replay_video_envelope(0))
    (lost,) = await sealing.list_objects(server.service.page_services.store)
    await server.service.page_services.store.delete(lost)
    backup = await back_up(server, database_url, tmp_path / "backups")
    assert backup.manifest.missing == (lost,)


async def test_a_damaged_backup_is_refused_and_nothing_is_changed(
    server: Server, database_url: str, target: Target, tmp_path: Path
):
    """A changed byte, a missing file and a changed manifest are each found and named."""
    await server.take(envelopes.replay_video_envelope(0))
    backups = tmp_path / "backups"
    name = (await back_up(server, database_url, backups)).manifest.name
    (content,) = backups.glob("objects/*/*")
    for path, words in (
        (content, "other bytes than were written"),
        (backups / name / "database.dump", "other bytes than were written"),
        (backups / name / "objects.jsonl", "other bytes than were written"),
        (backups / name / "manifest.json", "changed after the backup was made"),
    ):
        data = path.read_bytes()
        damaged = data.replace(b'"objects": ', b'"objects": 1') if path.suffix == ".json" else (
            data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]
        )  # fmt: skip
        path.write_bytes(damaged)
        with pytest.raises(DamagedBackup, match=words):
            await target.restore(backups)
        path.write_bytes(data)
    content.rename(tmp_path / "away")
    with pytest.raises(DamagedBackup, match="is missing"):
        await target.restore(backups)
    facts = await backup_database.read_facts(target.database_url)
    assert (facts.tables, list(target.folder.iterdir())) == (0, [])


async def test_only_an_empty_installation_is_restored_into(
    server: Server, database_url: str, target: Target, tmp_path: Path
):
    """The error names the data that is there; `replaces` deletes it and restores the backup."""
    await server.take(envelopes.replay_video_envelope(0))
    expected = await server.dump(REPLAY_ID)
    backups = tmp_path / "backups"
    await back_up(server, database_url, backups)
    await target.restore(backups)
    async with running(target.database_url, target.folder) as copy:
        await copy.take(envelopes.replay_video_envelope(1), envelopes.replay_video_envelope(
            0, replay_id=OTHER
        ))  # fmt: skip
        with pytest.raises(BackupRefused, match="another process of Playhead uses this database"):
            await target.restore(backups, replaces=True)
    with pytest.raises(BackupRefused, match=r"not empty: the database has \d+ tables, the object"):
        await target.restore(backups)
    await target.restore(backups, replaces=True)
    async with running(target.database_url, target.folder) as copy:
        assert await copy.dump(REPLAY_ID) == expected
        assert await copy.dump(OTHER) == {}
        store = copy.service.page_services.store
        assert await sealing.find_faults(copy.database, store) == []


async def test_a_bucket_is_backed_up_and_restored_into_another(
    database_url: str, target: Target, tmp_path: Path
):
    """Objects come back in an empty bucket, and so does what another host had spilled there."""
    backups = BackupFolder(tmp_path / "backups")
    with s3.serving() as service:
        bucket, other = (Bucket(service, service.new_bucket()) for _ in range(2))
        async with running(database_url, tmp_path / "data", **bucket.settings()) as server:
            await server.take(*(envelopes.replay_video_envelope(number) for number in range(3)))
            server.database.block("Postgres is away, as far as this server knows")
            await server.post(envelopes.replay_video_envelope(3))
            await wait_until_spilled(bucket, server.service.ingest.journal.last_seq)
            settings = server.service.page_services.settings
            elsewhere = settings.model_copy(update={"data_dir": tmp_path / "another-host"})
            backup = await make_backup(
                elsewhere, database_url, backups, keep=1, progress=SilentProgress()
            )
            server.database.unblock()
            await server.settled()
            expected = await server.dump(REPLAY_ID)
        assert backup.manifest.storage == "s3"
        assert not [each for each in backup.manifest.files if each.name.startswith("journal/")]
        copies = [copied.key for copied in backups.read_objects(backup.manifest.name)]
        assert len([key for key in copies if key.startswith(keys.SPILL_PREFIX)]) == 1
        restoring = Target(target.database_url, target.folder, other.settings())
        await restoring.restore(backups.path)
        async with running(target.database_url, target.folder, **other.settings()) as copy:
            await copy.outcomes_reach({("replay_video", "kept", ""): 4})
            assert await copy.dump(REPLAY_ID) == expected


async def test_a_server_does_not_start_on_half_a_restore(
    server: Server, database_url: str, target: Target, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """A restore that stopped keeps the server off, and says how to go on."""
    from app.backup.state import refuse_unfinished_restore  # noqa: PLC0415 - the subject

    backups = tmp_path / "backups"
    name = (await back_up(server, database_url, backups)).manifest.name
    with monkeypatch.context() as patch:
        patch.setattr(backup_database, "restore_database", _fail)
        with pytest.raises(ServiceUnavailable, match="a power cut"):
            await target.restore(backups)
    with pytest.raises(ServiceUnavailable, match=f"go on with it first: playhead restore .*{name}"):
        refuse_unfinished_restore(target.folder)
    (failed,) = [
        each for each in doctor._check_folder(target.settings) if each.subject == "restore"
    ]
    assert failed.state is CheckLevel.FAIL
    assert f"of {name} is not finished" in failed.text


async def _fail(*_arguments: object, **_options: object) -> None:
    raise ServiceUnavailable("a power cut")
