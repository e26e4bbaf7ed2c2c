"""Logs what browsers refused on our pages, within limits.

Anybody can send such reports, and a page with a mistake sends the same one for every visitor. So
one network may send 20 at once and one a second, and the log gets the first report of a kind, then
the tenth, the hundredth and so on.
"""

import json
import re
from typing import Final

from app.accounts.networks import network_of
from app.core import log
from app.core.clock import monotonic_s
from app.ingest.admission.token_buckets import TokenBuckets
from app.web.urls.account_urls import SIGN_IN
from app.web.urls.share_urls import SHARES

WAIT_S: Final = 60
_REPORTS_PER_S: Final = 1.0
_BURST: Final = 20.0
_KINDS: Final = 50
"""The kinds that are counted apart in a period; all others count as one."""
_PERIOD_S: Final = 3_600.0
_OTHERS: Final = ("others", "", "")
_FIELDS: Final = ("effective-directive", "blocked-uri", "document-uri")
_FIELD_CHARS: Final = 100
_SECRETS: Final = re.compile(rf"({SIGN_IN}/|{SHARES})[^/?#]+")
"""Tokens in addresses of pages: whoever reads the log must not be able to use them."""

_logger: Final = log.get_logger("web.csp_reports")


class CspReports:
    """Counts the reports to a process; use it from one event loop."""

    def __init__(self) -> None:
        """Begin without reports."""
        self._buckets: TokenBuckets[str] = TokenBuckets(_REPORTS_PER_S, _BURST)
        self._counts: dict[tuple[str, ...], int] = {}
        self._began_s = monotonic_s()

    def admit(self, address: str) -> bool:
        """Tell whether an address may send a report now, and count it if so."""
        bucket = self._buckets.refill(network_of(address), monotonic_s())
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def note(self, body: bytes) -> None:
        """Count a report, and write it to the log if it is the 1st, 10th, 100th … of its kind."""
        now_s = monotonic_s()
        if now_s - self._began_s > _PERIOD_S:
            self._counts.clear()
            self._began_s = now_s
        kind = _read_kind(body)
        if kind not in self._counts and len(self._counts) >= _KINDS:
            kind = _OTHERS
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        if str(count).strip("0") == "1":
            directive, blocked, page = kind
            _logger.warning(
                "csp_violation",
                directive=log.shown(directive),
                blocked=log.shown(blocked),
                page=log.shown(page),
                times=count,
            )


def _read_kind(body: bytes) -> tuple[str, ...]:
    """Return the directive, the address that was blocked and the address of the page."""
    try:
        report = json.loads(body)["csp-report"]
        return tuple(
            _SECRETS.sub(r"\1…", str(report.get(name, "")))[:_FIELD_CHARS] for name in _FIELDS
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ("unreadable", "", "")
