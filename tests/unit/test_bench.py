"""The benchmarks know the code they measure."""

from app.formats import encoding
from bench.ingest.stages import DIGEST, DOOR
from bench.ingest.watches import Watches


def test_every_stage_is_there():
    """What a stage names can be watched: one that has moved would count as something else."""
    with Watches(DOOR), Watches(DIGEST):
        pass


def test_watches_count_what_runs_and_go_again():
    """Time belongs to the innermost watch; afterwards the functions are as they were."""
    plain = encoding.inflate
    with Watches({"inflate": ["app.formats.encoding:inflate"]}) as watches:
        assert encoding.inflate is not plain
        assert encoding.inflate(b"{}", None, limit_bytes=10) == b"{}"
    assert encoding.inflate is plain
    assert set(watches.spent_s) == {"inflate"}
    assert watches.spent_s["inflate"] >= 0
