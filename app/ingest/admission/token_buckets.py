"""Token buckets: how much a sender may send, decided in memory within a microsecond or two.

    tokens come at a steady rate, up to the burst ─► an envelope takes some ─► none left: limited

What each sender took is added up, so that processes can tell one another (`ingest.quotas`).
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from app.core.clock import monotonic_s
from app.projects.model import LimitReason

_MOST_SENDERS: Final = 10_000
"""Buckets in memory; made-up senders cannot fill it."""
_LONGEST_WAIT_S: Final = 600
_SEGMENT_TOKENS: Final = 0.1
"""A phone that records sends an envelope every 5 s, far more than errors: ten count as one."""
_ROUNDING: Final = 1e-6
"""Tenths do not add up exactly."""


@dataclass(slots=True)
class TokenBucket:
    """What one sender has left; below zero it is in debt."""

    tokens: float
    at_s: float
    taken: float = 0.0
    """Since it was last told to other processes."""


class TokenBuckets[Sender: Hashable]:
    """A bucket for each sender, full when it is first seen. A rate of 0 means no limit."""

    def __init__(self, per_s: float, burst: float) -> None:
        self.per_s = per_s
        self.burst = burst
        self._by_sender: dict[Sender, TokenBucket] = {}

    def of(self, sender: Sender, now_s: float) -> TokenBucket:
        """Return a sender's bucket as it is now."""
        bucket = self._by_sender.get(sender)
        if bucket is None:
            if len(self._by_sender) >= _MOST_SENDERS:
                self._by_sender.clear()
            bucket = self._by_sender[sender] = TokenBucket(self.burst, now_s)
            return bucket
        bucket.tokens = min(self.burst, bucket.tokens + (now_s - bucket.at_s) * self.per_s)
        bucket.at_s = now_s
        return bucket

    def wait_s(self, bucket: TokenBucket, needed: float) -> int:
        """Return in how many whole seconds a bucket has what is needed."""
        missing_s = math.ceil((needed - bucket.tokens) / self.per_s)
        return min(max(1, missing_s), _LONGEST_WAIT_S)

    def taken(self) -> dict[Sender, float]:
        """Return what each sender took since the last call, and begin anew."""
        found = {}
        for sender, bucket in self._by_sender.items():
            if bucket.taken:
                found[sender] = bucket.taken
                bucket.taken = 0.0
        return found

    def put_back(self, sender: Sender, amount: float) -> None:
        """Count as not told what could not be told."""
        bucket = self._by_sender.get(sender)
        if bucket is not None:
            bucket.taken += amount

    def charge(self, sender: Sender, amount: float) -> None:
        """Take off what a sender sent to another process; it leaves at most a burst of debt."""
        bucket = self._by_sender.get(sender)
        if bucket is not None:
            bucket.tokens = max(bucket.tokens - amount, min(bucket.tokens, -self.burst))


@dataclass(frozen=True, slots=True)
class ExceededLimit:
    """A limit that is used up, and when it is not any more."""

    reason: LimitReason
    wait_s: int


class SenderLimits:
    """The envelopes and bytes that a sender may send: a key, or an address.

    Bytes above zero let any body through and may end in debt, so that one larger than a burst
    passes too. An envelope with a segment counts as a tenth of one, and passes until the debt is a
    whole burst: a flood of errors never costs a replay its segments. What is limited takes
    nothing.
    """

    def __init__(
        self, *, envelopes_per_s: float, envelopes: float, bytes_per_s: float, size_bytes: float
    ) -> None:
        """Set the rates, each with its burst; a rate of 0 means no limit."""
        self.envelopes: TokenBuckets[str] = TokenBuckets(envelopes_per_s, envelopes)
        self.bytes: TokenBuckets[str] = TokenBuckets(bytes_per_s, size_bytes)

    def take(self, sender: str, size_bytes: int, *, has_segment: bool) -> ExceededLimit | None:
        """Let one envelope through, or say what limits it."""
        now_s = monotonic_s()
        by_count = None
        tokens = _SEGMENT_TOKENS if has_segment else 1.0
        if self.envelopes.per_s:
            by_count = self.envelopes.of(sender, now_s)
            needed = tokens - _ROUNDING - (self.envelopes.burst if has_segment else 0.0)
            if by_count.tokens < needed:
                return ExceededLimit(LimitReason.ENVELOPES, self.envelopes.wait_s(by_count, needed))
        if self.bytes.per_s:
            by_size = self.bytes.of(sender, now_s)
            floor = -self.bytes.burst if has_segment else 0.0
            if by_size.tokens <= floor:
                return ExceededLimit(LimitReason.BYTES, self.bytes.wait_s(by_size, floor))
            by_size.tokens -= size_bytes
            by_size.taken += size_bytes
        if by_count is not None:
            by_count.tokens -= tokens
            by_count.taken += tokens
        return None
