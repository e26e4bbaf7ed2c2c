"""A12: a second process that would store objects elsewhere does not start, and says why."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.db.engine import Database
from app.processes import records
from tests.support.servers import process, s3
from tests.support.servers.process import LaunchOptions, ServerProcess
from tests.support.waiting import PATIENCE_S, until_asked


def is_ready(server: ServerProcess) -> bool:
    """Tell whether a server answers that it is ready."""
    answer = httpx2.get(f"{server.base_url}/health/ready", trust_env=False, timeout=PATIENCE_S)
    return answer.status_code == 200


async def test_a_second_process_with_a_disk_of_its_own_does_not_start(
    database_url: str, tmp_path: Path
) -> None:
    """Two processes with `local` storage would each hold half of the videos."""
    log_file = tmp_path / "second.log"
    with (
        process.launch_and_wait(database_url, tmp_path / "first") as first,
        process.launch_server(
            database_url, tmp_path / "second", LaunchOptions(log_file=log_file)
        ) as second,
    ):
        assert not second.listens()
        reason = log_file.read_text()
        assert f"the objects of this database lie at {tmp_path}/first/objects on " in reason
        assert f"{tmp_path}/second/objects on " in reason
        assert "playhead storage claim" in reason
        assert is_ready(first)


async def test_processes_share_a_bucket_and_refuse_another(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    """Two with own data folders and one bucket run; a third with another bucket does not."""
    with s3.serving() as service:
        bucket, other = service.new_bucket(), service.new_bucket()
        key_id, secret = service.access.key_id, service.access.secret
        assert secret is not None
        settings: dict[str, Any] = {
            "s3_endpoint_url": service.access.endpoint_url,
            "s3_region": "us-east-1",
            "s3_access_key_id": key_id,
            "s3_secret_access_key": secret.get_secret_value(),
            "s3_addressing": "path",
        }
        log_file = tmp_path / "third.log"
        ours: dict[str, Any] = {"storage": f"s3://{bucket}/cell", **settings}
        with (
            process.launch_and_wait(database_url, tmp_path / "a", heartbeat_s=0.2, **ours),
            process.launch_and_wait(database_url, tmp_path / "b", heartbeat_s=0.2, **ours),
            process.launch_server(
                database_url,
                tmp_path / "c",
                LaunchOptions(log_file=log_file),
                storage=f"s3://{other}/cell",
                **settings,
            ) as third,
        ):
            assert not third.listens()
            assert f"lie at s3://{bucket}/cell at http" in log_file.read_text()

            async def both_are_there() -> bool:
                async with database.reading() as connection:
                    known = await records.list_processes(
                        connection, heartbeat_s=5, silent_after_s=60
                    )
                return len(known) == 2

            await until_asked(both_are_there)


@pytest.mark.parametrize("is_clean", [True, False])
async def test_a_moved_data_folder_starts_by_itself(
    database_url: str, tmp_path: Path, *, is_clean: bool
) -> None:
    """The mark lies among the objects and moves with them, after a kill, too."""
    with process.launch_and_wait(database_url, tmp_path / "old") as first:
        if not is_clean:
            first.kill()
    (tmp_path / "old").rename(tmp_path / "new")
    with process.launch_and_wait(database_url, tmp_path / "new") as moved:
        assert is_ready(moved)
