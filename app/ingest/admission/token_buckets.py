"""Token buckets: limit what a sender sends, in memory, within a microsecond or two.

    tokens come at a steady rate, up to the burst ─► an envelope takes some ─► none left: limited

The tokens that each sender took are added up, so that processes can compare them (`quotas.py`).
Where several processes take envelopes, each gives a sender a share of the rate and of the burst.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from app.core.clock import monotonic_s
from app.projects.model import LimitReason

_MOST_SENDERS: Final = 10_000
"""The most buckets in memory, so that made-up senders cannot fill it."""
_LONGEST_WAIT_S: Final = 600
_SEGMENT_TOKENS: Final = 0.1
"""The tokens that an envelope with a segment takes. A phone that records sends one every 5 s, far
more than it sends errors."""
_LEAST_BURST: Final = 1.0
_ROUNDING: Final = 1e-6
"""The tolerance in comparing tokens, since tenths do not add up exactly."""


@dataclass(slots=True)
class TokenBucket:
    """The tokens that one sender has left; below zero it is in debt."""

    tokens: float
    at_s: float
    """The time at which it had so many."""
    per_s: float
    """The tokens that come each second, here."""
    burst: float
    """The most tokens that it holds, here."""
    share: float = 0.0
    """The part of what it sent to all processes that came here lately; 0 if it is not known."""
    taken: float = 0.0
    """The tokens it took since other processes were last told."""


class TokenBuckets[Sender: Hashable]:
    """A bucket for each sender, full when it is first seen. A rate of 0 means no limit."""

    def __init__(self, per_s: float, burst: float) -> None:
        self.per_s = per_s
        self.burst = burst
        self._least_share = 1.0
        self._by_sender: dict[Sender, TokenBucket] = {}

    def refill(self, sender: Sender, now_s: float) -> TokenBucket:
        """Return a sender's bucket with the tokens that have come until now."""
        bucket = self._by_sender.get(sender)
        if bucket is None:
            if len(self._by_sender) >= _MOST_SENDERS:
                self._by_sender.clear()
            bucket = self._by_sender[sender] = TokenBucket(0.0, now_s, 0.0, 0.0)
            self._adjust(bucket)
            bucket.tokens = bucket.burst
            return bucket
        bucket.tokens = min(bucket.burst, bucket.tokens + (now_s - bucket.at_s) * bucket.per_s)
        bucket.at_s = now_s
        return bucket

    def seconds_until(self, bucket: TokenBucket, needed: float) -> int:
        """Return the whole seconds until a bucket has so many tokens, 600 at most."""
        missing_s = math.ceil((needed - bucket.tokens) / bucket.per_s)
        return min(max(1, missing_s), _LONGEST_WAIT_S)

    def divide_among(self, processes: int) -> None:
        """Give every sender that part of rate and burst which falls to one of so many processes."""
        if self._least_share != 1 / processes:
            self._least_share = 1 / processes
            for bucket in self._by_sender.values():
                self._adjust(bucket)

    def set_share(self, sender: Sender, share: float) -> None:
        """Note which part of what a sender sends to all processes comes to this one, 0 to 1.

        Where that is more than the part which falls to one process, it counts instead.
        """
        bucket = self._by_sender.get(sender)
        if bucket is not None:
            bucket.share = min(1.0, share)
            self._adjust(bucket)

    def _adjust(self, bucket: TokenBucket) -> None:
        """Set rate and burst of a bucket by its share; one envelope fits into any bucket."""
        share = max(bucket.share, self._least_share)
        bucket.per_s = self.per_s * share
        bucket.burst = max(_LEAST_BURST, self.burst * share)

    def collect_taken(self) -> dict[Sender, float]:
        """Return the tokens that each sender took since the last call."""
        taken = {}
        for sender, bucket in self._by_sender.items():
            if bucket.taken:
                taken[sender] = bucket.taken
                bucket.taken = 0.0
        return taken

    def put_back(self, sender: Sender, amount: float) -> None:
        """Return tokens to the next `collect_taken`, since other processes were not told."""
        bucket = self._by_sender.get(sender)
        if bucket is not None:
            bucket.taken += amount


@dataclass(frozen=True, slots=True)
class ExceededLimit:
    """A limit that an envelope met."""

    reason: LimitReason
    wait_s: int
    """The time after which the sender may try again."""


class SenderLimits:
    """Limits on the envelopes and bytes of each sender, which is a key or an address.

    A sender with any bytes left may send any body and end in debt, so that one larger than a burst
    passes too. An envelope with a segment counts as a tenth, and passes until the debt is a whole
    burst, so that a flood of errors never costs a replay its segments. An envelope that is limited
    takes no tokens.
    """

    def __init__(
        self, *, envelopes_per_s: float, envelopes: float, bytes_per_s: float, size_bytes: float
    ) -> None:
        """Set the rates, each with its burst; a rate of 0 means no limit."""
        self.envelopes: TokenBuckets[str] = TokenBuckets(envelopes_per_s, envelopes)
        self.bytes: TokenBuckets[str] = TokenBuckets(bytes_per_s, size_bytes)

    def divide_among(self, processes: int) -> None:
        """Give every sender that part of rate and burst which falls to one of so many processes."""
        self.envelopes.divide_among(processes)
        self.bytes.divide_among(processes)

    def take(self, sender: str, size_bytes: int, *, has_segment: bool) -> ExceededLimit | None:
        """Take the tokens of one envelope; returns the limit it met, or None if it passes."""
        now_s = monotonic_s()
        by_count = None
        tokens = _SEGMENT_TOKENS if has_segment else 1.0
        if self.envelopes.per_s:
            by_count = self.envelopes.refill(sender, now_s)
            debt = by_count.burst if has_segment else 0.0
            needed = tokens - _ROUNDING - debt
            if by_count.tokens < needed:
                return ExceededLimit(
                    LimitReason.ENVELOPES, self.envelopes.seconds_until(by_count, needed)
                )
        if self.bytes.per_s:
            by_size = self.bytes.refill(sender, now_s)
            floor = -by_size.burst if has_segment else 0.0
            if by_size.tokens <= floor:
                return ExceededLimit(LimitReason.BYTES, self.bytes.seconds_until(by_size, floor))
            by_size.tokens -= size_bytes
            by_size.taken += size_bytes
        if by_count is not None:
            by_count.tokens -= tokens
            by_count.taken += tokens
        return None
