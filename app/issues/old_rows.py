"""Moves events and files that a release before days stored to their own day, step by step."""

from typing import Final

from app.issues.tables import attachments, events

OLD_TABLES: Final = (events, attachments)
"""Tables that `db/partitions/old_rows.py` moves. Events are grouped first, by `backfill`."""
