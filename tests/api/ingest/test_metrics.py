"""`/metrics` reports what comes in, what is digested and how pages do, as docs/metrics.md says."""

import os
import re
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app import __version__
from app.web.urls import project_urls
from tests.support.builders import envelopes
from tests.support.servers.server import Server
from tests.support.waiting import until_asked

DOCUMENT: Final = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
ROW: Final = re.compile(r"^\| `(playhead_\w+)` \| (\w+) \|([^|]*)\| \S.*\|$", re.MULTILINE)
IN_A_BUCKET: Final = {
    "playhead_adopted_spilled_envelopes_total", "playhead_spill_failures_total",
    "playhead_spilled_bytes_total", "playhead_spilled_files",
    "playhead_unreadable_spilled_files_total",
}  # fmt: skip
"""Metrics that a process has only if it stores video in a bucket."""
NAME: Final = re.compile(r"`(\w+)`")


async def read_metrics(server: Server) -> dict[str, float]:
    """Read the metrics, whose names include their labels."""
    text = (await server.sender.get("/metrics")).text
    return {
        name: float(value) for name, value in re.findall(r"^([^#\s]\S*) (\S+)$", text, re.MULTILINE)
    }


async def test_accepted_envelopes_are_counted_and_timed(server: Server):
    """Only envelopes answered with 200 count, and the classes of the histograms add up."""
    before = await read_metrics(server)
    assert before["playhead_envelopes_accepted_total"] == 0
    await server.take(*(envelopes.event_envelope(f"{number:032x}") for number in range(1, 4)))
    refused = await server.post(b"no envelope")
    assert refused.status_code == 400
    after = await read_metrics(server)
    assert after["playhead_envelopes_accepted_total"] == 3
    for name in ("playhead_envelope_answer_seconds", "playhead_envelope_size_bytes"):
        assert after[f'{name}_count{{kind="envelope"}}'] == 3
        assert after[f'{name}_count{{kind="store"}}'] == 0
        assert after[f'{name}_bucket{{kind="envelope",le="+Inf"}}'] == 3
        assert after[f'{name}_sum{{kind="envelope"}}'] > 0
    assert after['playhead_ingest_answers_total{reason="",status="200"}'] == 3
    assert after['playhead_ingest_answers_total{reason="malformed",status="400"}'] == 1


async def test_digest_is_counted_by_batch_and_by_item(server: Server):
    """Every envelope is in one batch, with its lag, and every item has an outcome."""
    event = envelopes.event_envelope("a" * 32)
    await server.take(event, envelopes.replay_video_envelope())
    await server.take(event, b'{}\n{"type":"made_up_by_somebody","length":2}\n{}')
    metrics = await read_metrics(server)
    assert metrics["playhead_digest_batch_envelopes_sum"] == 4
    batches = metrics["playhead_digest_batch_envelopes_count"]
    assert 1 <= batches <= 4
    for name in ("batch_seconds", "lag_seconds"):
        assert metrics[f"playhead_digest_{name}_count"] == batches
        assert 0 < metrics[f"playhead_digest_{name}_sum"] < 60
    assert metrics['playhead_digest_step_seconds_count{step="prepare"}'] == batches
    assert metrics['playhead_digest_step_seconds_count{step="store"}'] == batches
    assert metrics['playhead_storage_operation_seconds_count{operation="put"}'] >= 1
    assert metrics['playhead_storage_operation_size_bytes_sum{operation="put"}'] > 100
    assert metrics['playhead_storage_operation_failures_total{operation="put"}'] == 0
    for kind in ("read", "write"):
        assert metrics[f'playhead_database_transaction_seconds_sum{{kind="{kind}"}}'] > 0
    assert metrics["playhead_database_wait_seconds_count"] > 0
    assert metrics["playhead_database_statement_seconds_count"] > 0
    assert metrics['playhead_database_connections{state="idle"}'] > 0
    event_counts = {
        outcome: metrics[f'playhead_items_total{{outcome="{outcome}",reason="",type="event"}}']
        for outcome in ("kept", "duplicate")
    }
    assert event_counts == {"kept": 1, "duplicate": 1}
    assert not [name for name in metrics if "made_up" in name]


@pytest.mark.asyncio(loop_scope="session")
async def test_pages_are_counted_by_the_pattern_of_their_address(tenant: Server):
    """No id of a project or replay becomes a label; files are counted, and not timed."""
    page = project_urls.settings(tenant.app.id)
    assert (await tenant.web.get(page)).status_code == 200
    style = re.search(r'href="(/static/[^"]+)"', (await tenant.web.get(page)).text)
    assert style is not None
    assert (await tenant.web.get(style[1])).status_code == 200
    assert (await tenant.web.get("/no/such/page")).status_code == 404
    metrics = await read_metrics(tenant)
    route = "/projects/{project_id}/settings"
    assert metrics[f'playhead_page_requests_total{{route="{route}",status="200"}}'] > 0
    assert metrics['playhead_page_requests_total{route="unknown",status="404"}'] > 0
    assert metrics[f'playhead_page_seconds_sum{{route="{route}"}}'] > 0
    assert not [name for name in metrics if page in name]
    assert metrics['playhead_page_requests_total{route="/static/",status="200"}'] > 0
    assert not [name for name in metrics if "page_seconds" in name and "/static" in name]


@pytest.mark.asyncio(loop_scope="session")
async def test_the_metrics_describe_the_process(tenant: Server):
    """The metrics report memory, garbage collector, event loop, Python and release."""

    async def has_event_loop() -> bool:
        return (await read_metrics(tenant))["playhead_event_loop_delay_seconds_count"] > 0

    await until_asked(has_event_loop)
    metrics = await read_metrics(tenant)
    assert metrics["process_resident_memory_bytes"] > 10_000_000
    assert 'python_gc_collections_total{generation="0"}' in metrics
    assert any(name.startswith("python_info{") for name in metrics)
    assert metrics[f'playhead_build_info{{version="{__version__}"}}'] == 1
    (process,) = (name for name in metrics if name.startswith("playhead_process_info{"))
    assert f'pid="{os.getpid()}"' in process
    assert 'roles="door,pages,worker"' in process


@pytest.mark.asyncio(loop_scope="session")
async def test_every_metric_is_documented(tenant: Server):
    """The tables of docs/metrics.md name what is printed, its type and its labels, and no more."""
    await tenant.take(envelopes.replay_video_envelope())
    await tenant.web.get("/")
    text = (await tenant.sender.get("/metrics")).text
    printed: dict[str, tuple[str, set[str]]] = {}
    for family in text_string_to_metric_families(text):
        if family.name.startswith("playhead_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for sample in family.samples for label in sample.labels}
            printed[name] = family.type, labels - {"le"}
    rows = ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert {name for name, _, _ in rows} >= IN_A_BUCKET
    documented = {
        name: (kind, set(NAME.findall(labels)))
        for name, kind, labels in rows
        if name not in IN_A_BUCKET
    }
    # A counter that has counted nothing yet has no labels to compare.
    compared = {
        name: printed[name] if printed[name][1] else (printed[name][0], documented[name][1])
        for name in printed
        if name in documented
    }
    assert set(printed) == set(documented)
    assert documented == compared
