"""`/metrics` reports accepted envelopes and the process itself."""

import re

from app import __version__
from tests.support.builders import envelopes
from tests.support.servers.server import Server


async def figures(server: Server) -> dict[str, float]:
    """Read the metrics; names with their labels."""
    text = (await server.sender.get("/metrics")).text
    return {
        name: float(value) for name, value in re.findall(r"^([^#\s]\S*) (\S+)$", text, re.MULTILINE)
    }


async def test_accepted_envelopes_are_counted_and_timed(server: Server):
    """Those answered with 200 alone; the classes of the histogram add up."""
    before = await figures(server)
    assert before["playhead_envelopes_accepted_total"] == 0
    await server.take(*(envelopes.event_envelope(f"{number:032x}") for number in range(1, 4)))
    refused = await server.post(b"no envelope")
    assert refused.status_code == 400
    after = await figures(server)
    assert after["playhead_envelopes_accepted_total"] == 3
    assert after["playhead_envelope_answer_seconds_count"] == 3
    assert after['playhead_envelope_answer_seconds_bucket{le="+Inf"}'] == 3
    assert after['playhead_envelope_answer_seconds_bucket{le="0.001"}'] <= 3
    assert after["playhead_envelope_answer_seconds_sum"] > 0


async def test_the_process_tells_of_itself(server: Server):
    """Its memory, its garbage collector, its Python and its release."""
    told = await figures(server)
    assert told["process_resident_memory_bytes"] > 10_000_000
    assert 'python_gc_collections_total{generation="0"}' in told
    assert any(name.startswith("python_info{") for name in told)
    assert told[f'playhead_build_info{{version="{__version__}"}}'] == 1
