"""Lists the columns in which feedback may name a person, for erasures."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, func

from app.db.record_scans import RecordSource
from app.feedback.tables import feedback

FEEDBACK_RECORDS: Final = RecordSource(feedback, texts=("name", "email", "message", "url"))


def is_from(names: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that feedback came from somebody with one of some names."""
    folded = sorted({name.lower() for name in names})
    return func.lower(feedback.c.email).in_(folded) | func.lower(feedback.c.name).in_(folded)
