"""Where feedback may name a person; an erasure reads and deletes it by that."""

from typing import Final

from app.db.record_scans import RecordSource
from app.feedback.tables import feedback

FEEDBACK_RECORDS: Final = RecordSource(feedback, texts=("name", "email", "message", "url"))
