"""F4: object storage fails in every known way while phones send and somebody watches."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.core import clock
from tests.support import programme_size
from tests.support.builders import clips, envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.faults import s3_faults
from tests.support.faults.s3_faults import Fault, FaultProxy
from tests.support.report import Report
from tests.support.servers import postgres, s3, server as servers
from tests.support.servers.server import Server
from tests.support.waiting import until, until_asked

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUT, GET = frozenset({"PUT"}), frozenset({"GET"})
READING_FAILS = (
    Fault("frozen"),
    Fault("500", refusal=(500, "InternalError")),
    Fault("slow-down", refusal=(503, "SlowDown")),
    Fault("no-right", refusal=(403, "AccessDenied")),
    Fault("no-bucket", refusal=(404, "NoSuchBucket")),
    Fault("clock", refusal=(403, "RequestTimeTooSkewed")),
    Fault("hung-up", answer_bytes=0),
    Fault("cut-get", methods=GET, answer_bytes=2_000),
    Fault("trickle", methods=GET, bytes_per_s=10),
)
WRITING_FAILS = (
    Fault("reset-in-put", methods=PUT, request_bytes=1_000),
    Fault("put-answer-lost", methods=PUT, answer_bytes=0),
)
NOTHING_FAILS = (Fault("wrong-etag", methods=PUT, etag=b"0" * 32),)
SEGMENTS = 4
ROUNDS = programme_size.rounds(ci=1, nightly=10)
"""Rounds of each fault."""


@dataclass
class FaultyStorage:
    """A server whose bucket is behind a fault proxy, with access to the bucket."""

    server: Server
    proxy: FaultProxy
    service: s3.Service
    bucket: str

    def list_packs(self) -> set[str]:
        """Return the names of all packs in the bucket."""
        pages = self.service.owner.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
        return {key for key in keys if "/v/" in key}

    def read_pack(self, name: str) -> bytes:
        """Return the bytes of a pack."""
        with self.service.owner.get_object(Bucket=self.bucket, Key=name)["Body"] as body:
            return body.read()


def make_settings(proxy: FaultProxy, bucket: str) -> dict[str, Any]:
    """Return the settings with which a server reaches the bucket through the proxy."""
    access = proxy.access
    return {
        "storage": f"s3://{bucket}",
        "s3_endpoint_url": access.endpoint_url,
        "s3_region": access.region,
        "s3_access_key_id": access.key_id,
        "s3_secret_access_key": access.secret,
        "s3_addressing": "path",
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faulty_storage(
    postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FaultyStorage]:
    """Run one server for all faults."""
    with s3.serving() as service:
        bucket = service.new_bucket()
        async with s3_faults.in_front_of(service) as proxy:
            async for url in postgres._fresh_database(postgres_url, template=template_database):
                folder = tmp_path_factory.mktemp("outage")
                async with servers.running(url, folder, **make_settings(proxy, bucket)) as started:
                    yield FaultyStorage(started, proxy, service, bucket)


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("fault", [*READING_FAILS, *WRITING_FAILS, *NOTHING_FAILS], ids=str)
async def test_an_outage_costs_no_envelope(
    faulty_storage: FaultyStorage, report: Report, fault: Fault, number: int
):
    """Phones get 200 and watchers 503 during an outage; later all is stored once and whole."""
    packs_before = faulty_storage.list_packs()
    async with servers.tenant(faulty_storage.server) as project_server:
        await project_server.take(envelopes.replay_video_envelope(0))
        video = project_server.page(REPLAY_ID, "/segments/0.mp4")
        faulty_storage.proxy.spoil(cut_elsewhere(fault, number))
        for segment_id in range(1, SEGMENTS):
            answer = await project_server.post(envelopes.replay_video_envelope(segment_id))
            assert answer.status_code == 200
        video_answer = await project_server.web.get(video)
        assert video_answer.status_code == (503 if fault in READING_FAILS else 200)
        await until(lambda: faulty_storage.proxy.hits > 0)
        faulty_storage.proxy.mend()
        began_s = clock.monotonic_s()
        await project_server.settled()
        settle_s = round(clock.monotonic_s() - began_s, 2)
        assert await project_server.outcomes() == {("replay_video", "kept", ""): SEGMENTS}
        for segment_id in range(SEGMENTS):
            path = project_server.page(REPLAY_ID, f"/segments/{segment_id}.mp4")
            await until_asked(partial(_is_whole, project_server, path))
        packs = sorted(faulty_storage.list_packs() - packs_before)
        assert b"".join(map(faulty_storage.read_pack, packs)) == clips.clip() * SEGMENTS
        spoiled = {"fault": fault.name, "requests": faulty_storage.proxy.hits}
        report.round(**spoiled, acks=SEGMENTS, kept=SEGMENTS, lost=0, settle_s=settle_s)


def cut_elsewhere(fault: Fault, number: int) -> Fault:
    """Return the fault with its cut at another byte in every round."""
    dice = programme_size.seeded_dice("bucket", fault.name, number)
    return replace(
        fault,
        request_bytes=fault.request_bytes and dice.randrange(1, fault.request_bytes),
        answer_bytes=fault.answer_bytes and dice.randrange(1, fault.answer_bytes),
    )


async def test_a_server_starts_while_the_bucket_hangs(
    postgres_url: str, template_database: str, tmp_path: Path
):
    """A server takes envelopes while the bucket hangs, and stores them once it answers."""
    with s3.serving() as service:
        bucket = service.new_bucket()
        async with s3_faults.in_front_of(service) as proxy:
            proxy.spoil(Fault("frozen"))
            async for url in postgres._fresh_database(postgres_url, template=template_database):
                async with servers.running(
                    url, tmp_path, **make_settings(proxy, bucket)
                ) as started:
                    answer = await started.post(envelopes.replay_video_envelope(0))
                    assert answer.status_code == 200
                    proxy.mend()
                    await started.settled()
                    assert await started.outcomes() == {("replay_video", "kept", ""): 1}


async def _is_whole(project_server: Server, path: str) -> bool:
    answer = await project_server.web.get(path)
    assert answer.status_code in {200, 503}
    return answer.content == clips.clip()
