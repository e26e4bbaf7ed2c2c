"""`/metrics` reports accepted envelopes and the process itself."""

import re

from app import __version__
from tests.support.builders import envelopes
from tests.support.servers.server import Server


async def read_metrics(server: Server) -> dict[str, float]:
    """Read the metrics, whose names include their labels."""
    text = (await server.sender.get("/metrics")).text
    return {
        name: float(value) for name, value in re.findall(r"^([^#\s]\S*) (\S+)$", text, re.MULTILINE)
    }


async def test_accepted_envelopes_are_counted_and_timed(server: Server):
    """Only envelopes answered with 200 count, and the classes of the histogram add up."""
    before = await read_metrics(server)
    assert before["playhead_envelopes_accepted_total"] == 0
    await server.take(*(envelopes.event_envelope(f"{number:032x}") for number in range(1, 4)))
    refused = await server.post(b"no envelope")
    assert refused.status_code == 400
    after = await read_metrics(server)
    assert after["playhead_envelopes_accepted_total"] == 3
    assert after["playhead_envelope_answer_seconds_count"] == 3
    assert after['playhead_envelope_answer_seconds_bucket{le="+Inf"}'] == 3
    assert after['playhead_envelope_answer_seconds_bucket{le="0.001"}'] <= 3
    assert after["playhead_envelope_answer_seconds_sum"] > 0


async def test_the_metrics_describe_the_process(server: Server):
    """The metrics report memory, garbage collector, Python and release of the process."""
    metrics = await read_metrics(server)
    assert metrics["process_resident_memory_bytes"] > 10_000_000
    assert 'python_gc_collections_total{generation="0"}' in metrics
    assert any(name.startswith("python_info{") for name in metrics)
    assert metrics[f'playhead_build_info{{version="{__version__}"}}'] == 1
