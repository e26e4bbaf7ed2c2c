"""Moves events and files that a release before days stored to their own day, step by step."""

from typing import Final

from app.issues.tables import attachments, events

OLD_TABLES: Final = (events, attachments)
"""Tables whose rows `db/old_rows.py` moves. Events are grouped first (`regrouping/backfill.py`)."""
