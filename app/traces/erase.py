"""Lists the tables of spans and logs in which an erasure looks for a person.

Spans go with their block: they arrived together, of one trace and one replay.
"""

from typing import Final

from app.db.record_scans import RecordSource
from app.traces.tables import logs, span_blocks, spans, transactions

LOG_RECORDS: Final = RecordSource(logs, texts=("body",), packed=("attributes",))
BLOCK_RECORDS: Final = RecordSource(
    span_blocks, texts=("name",), packed=("content",), quantity="spans"
)
OLD_RECORDS: Final = (
    RecordSource(transactions, texts=("name",), packed=("payload",)),
    RecordSource(spans, texts=("description",), packed=("data",)),
)
"""Spans of releases that had no blocks, as far as `backfill.py` has not moved them yet."""
