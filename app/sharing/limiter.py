"""Limits the requests of strangers for shares; each process counts for itself.

A token has 256 random bits, so guessing is hopeless. The limits keep one network from overloading
the server, with or without a link.
"""

from typing import Final

from app.accounts.networks import network_of
from app.core import clock
from app.core.errors import TooManyAttempts
from app.ingest.admission.token_buckets import TokenBuckets

_MINUTE_S: Final = 60
MOST_OPENINGS: Final = 60
"""Pages of shares that one network opens in a minute."""
MOST_PARTS: Final = 1_200
"""Ranges of video, pictures and the like that one network fetches in a minute. A player that is
dragged along its timeline asks for some ten a second."""
MOST_UNKNOWN: Final = 30
"""Addresses without a share that one network asks for in a minute."""


class ShareLimiter:
    """The limits of one process."""

    def __init__(self) -> None:
        self._openings = _make_buckets(MOST_OPENINGS)
        self._parts = _make_buckets(MOST_PARTS)
        self._unknown = _make_buckets(MOST_UNKNOWN)

    def count_request(self, address: str, *, is_page: bool) -> None:
        """Count a request for a share, before anything is looked up.

        Args:
            address: The IP address of the client.
            is_page: True if it is for a page, which costs much more than a part of one.

        Raises:
            TooManyAttempts: The network of the address has asked too often.
        """
        _take_token(self._openings if is_page else self._parts, address)

    def count_unknown(self, address: str) -> None:
        """Count a request whose token opens nothing; links that work are not affected.

        Raises:
            TooManyAttempts: The network of the address has asked too often.
        """
        _take_token(self._unknown, address)


def _make_buckets(in_a_minute: int) -> TokenBuckets[str]:
    return TokenBuckets(in_a_minute / _MINUTE_S, in_a_minute)


def _take_token(buckets: TokenBuckets[str], address: str) -> None:
    bucket = buckets.refill(network_of(address), clock.monotonic_s())
    if bucket.tokens < 1:
        raise TooManyAttempts(
            "too many requests; try again in a minute", wait_s=buckets.seconds_until(bucket, 1)
        )
    bucket.tokens -= 1
