"""The ids, names and moments that all sample pages share."""

from datetime import UTC, datetime

from app.core.ids import ProjectId, PublicKey, ReplayId, TraceId

NOW = datetime(2026, 11, 24, 14, 3, 5, tzinfo=UTC)
PROJECT = ProjectId(318)
REPLAY = ReplayId("95d907b51382429d82eed5c93c8d1350")
KEY = PublicKey("9d3f5c7e1b2a4866a0c4e2f8d6b19375")
TRACE = TraceId("239f823856ef4eca931d422610afd6ff")
DSN = f"http://{KEY}@localhost:8000/318"
