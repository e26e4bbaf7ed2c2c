"""Token buckets: what passes, what is limited, and when a sender may send again."""

import pytest

from app.core.ids import PublicKey
from app.ingest.admission import token_buckets
from app.ingest.admission.token_buckets import ExceededLimit, SenderLimits, TokenBuckets
from app.projects.model import LimitReason

KEY = PublicKey("a" * 32)
OTHER = PublicKey("b" * 32)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the buckets."""
    clock = Clock()
    monkeypatch.setattr(token_buckets, "monotonic_s", clock)
    return clock


def make_limits(**changes: float) -> SenderLimits:
    """Rates of 10 envelopes (burst 20) and 1,000 bytes (burst 5,000) a second."""
    values = {"envelopes_per_s": 10, "envelopes": 20, "bytes_per_s": 1_000, "size_bytes": 5_000}
    return SenderLimits(**{**values, **changes})


def count_passed(
    limits: SenderLimits, number: int, *, size_bytes: int = 0, has_segment: bool = False
) -> int:
    """Send envelopes; returns how many of them passed."""
    answers = [limits.take(KEY, size_bytes, has_segment=has_segment) for _ in range(number)]
    return answers.count(None)


def test_a_burst_passes_and_the_next_envelope_does_not(clock):
    """At the limit all pass; the next one learns which limit it met, and how long to wait."""
    limits = make_limits()
    assert count_passed(limits, 20) == 20
    assert limits.take(KEY, 0, has_segment=False) == ExceededLimit(LimitReason.ENVELOPES, 1)


def test_bytes_are_limited_too(clock):
    """A burst of bytes passes, and then nothing until the debt is paid."""
    limits = make_limits(envelopes_per_s=0)
    assert count_passed(limits, 1, size_bytes=9_000) == 1
    assert limits.take(KEY, 1, has_segment=False) == ExceededLimit(LimitReason.BYTES, 4)
    clock.now_s += 4.0
    assert count_passed(limits, 1) == 0
    clock.now_s += 0.001
    assert count_passed(limits, 1) == 1


def test_tokens_come_at_the_rate(clock):
    """After a second the rate passes, and after a long pause no more than a burst."""
    limits = make_limits()
    count_passed(limits, 20)
    clock.now_s += 1.0
    assert count_passed(limits, 30) == 10
    clock.now_s += 3_600
    assert count_passed(limits, 30) == 20


def test_a_key_does_not_pay_for_another(clock):
    """Each key has buckets of its own."""
    limits = make_limits()
    count_passed(limits, 21)
    assert limits.take(OTHER, 0, has_segment=False) is None


def test_ten_segments_count_as_one_envelope(clock):
    """A burst of 20 envelopes and as much debt are 400 segments."""
    limits = make_limits()
    assert count_passed(limits, 500, has_segment=True) == 400
    assert limits.take(KEY, 0, has_segment=True) is not None


def test_errors_cannot_push_segments_out(clock):
    """When errors have used up a key's rate, segments still pass."""
    limits = make_limits()
    assert count_passed(limits, 50) == 20
    assert count_passed(limits, 50, size_bytes=10, has_segment=True) == 50
    assert count_passed(limits, 1) == 0


def test_limited_envelopes_take_no_tokens(clock):
    """A sender that goes on sending does not wait longer for it."""
    limits = make_limits()
    count_passed(limits, 1_000)
    clock.now_s += 0.1
    assert count_passed(limits, 2) == 1


def test_no_rate_is_no_limit(clock):
    """Zero switches a limit off."""
    limits = make_limits(envelopes_per_s=0, bytes_per_s=0)
    assert count_passed(limits, 1_000, size_bytes=10_000_000) == 1_000
    assert limits.envelopes.collect_taken() == {}


def test_the_longest_wait_is_bounded(clock):
    """An SDK is never told to wait for days, however large the debt."""
    limits = make_limits(envelopes_per_s=0)
    count_passed(limits, 1, size_bytes=10_000_000_000)
    assert limits.take(KEY, 1, has_segment=False) == ExceededLimit(LimitReason.BYTES, 600)


def test_each_process_gives_its_part_of_rate_and_burst(clock):
    """Four processes together let through what one alone would."""
    limits = make_limits()
    limits.divide_among(4)
    assert count_passed(limits, 30) == 5
    clock.now_s += 2.0
    assert count_passed(limits, 30) == 5
    assert limits.envelopes.collect_taken() == {KEY: 10.0}
    assert limits.envelopes.collect_taken() == {}


def test_a_sender_that_comes_here_alone_has_its_whole_rate_here(clock):
    """The share of a sender counts if it is more than its part, and never exceeds the whole."""
    limits = make_limits()
    limits.divide_among(4)
    assert count_passed(limits, 30) == 5
    limits.envelopes.set_share(KEY, 1.5)
    limits.envelopes.set_share(OTHER, 0.5)  # has no bucket yet
    clock.now_s += 10.0
    assert count_passed(limits, 30) == 20
    limits.envelopes.set_share(KEY, 0.01)
    clock.now_s += 10.0
    assert count_passed(limits, 30) == 5


def test_many_processes_let_one_envelope_at_a_time_through(clock):
    """A share is never too small for a single envelope, and waits are told by the share."""
    limits = make_limits()
    limits.divide_among(100)
    assert count_passed(limits, 5) == 1
    exceeded = limits.take(KEY, 1, has_segment=False)
    assert exceeded == ExceededLimit(LimitReason.ENVELOPES, 10)
    clock.now_s += 10.0
    assert count_passed(limits, 5) == 1


def test_made_up_senders_do_not_fill_the_memory(clock, monkeypatch):
    """Beyond the limit all senders begin with full buckets."""
    monkeypatch.setattr(token_buckets, "_MOST_SENDERS", 3)
    buckets: TokenBuckets[int] = TokenBuckets(1, 1)
    for sender in range(10):
        buckets.refill(sender, clock())
    assert len(buckets._by_sender) <= 3
