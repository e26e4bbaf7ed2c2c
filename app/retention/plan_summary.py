"""Counts the replays and days that a plan deletes."""

from collections.abc import Collection, Sequence
from datetime import date

from app.core.ids import ProjectId
from app.retention.plan import (
    DeleteCounts,
    DeleteProjectDay,
    DeleteReplays,
    DropPartition,
    RetentionAct,
    StoredPart,
)


def count_planned_replays(acts: Sequence[RetentionAct], parts: Sequence[StoredPart]) -> int:
    """Count the replays that a plan deletes."""
    in_parts = {(part.project_id, part.day, part.retention_class): part.replays for part in parts}
    total = 0
    for act in acts:
        match act:
            case DeleteReplays():
                total += len(act.keys)
            case DeleteProjectDay():
                key = act.project_id, act.day, act.retention_class
                total += in_parts.get(key, 0) - len(act.kept_replays)
            case DropPartition():
                for reason in act.expiring:
                    total += in_parts.get((reason.project_id, act.day, act.retention_class), 0)
                total -= len(act.moved_replays)
            case DeleteCounts():
                pass
    return total


def list_ended_days(acts: Sequence[RetentionAct]) -> Collection[tuple[ProjectId, date]]:
    """Return the days of projects that a plan ends."""
    ended: set[tuple[ProjectId, date]] = set()
    for act in acts:
        match act:
            case DeleteProjectDay():
                ended.add((act.project_id, act.day))
            case DropPartition():
                ended.update((reason.project_id, act.day) for reason in act.expiring)
            case DeleteReplays() | DeleteCounts():
                pass
    return ended
