"""The lock between adding to a replay and deleting it."""

import secrets

from app.core.ids import ProjectId, ReplayId
from app.replays import locks
from app.replays.model import ReplayKey


def test_made_up_replays_cannot_use_up_the_locks_of_postgres():
    """All ids that a sender may invent share 256 locks."""
    keys = [ReplayKey(ProjectId(1), ReplayId(secrets.token_hex(16))) for _ in range(5_000)]
    numbers = {locks._number(key) for key in keys}
    assert len(numbers) == 256
    assert all(0 < number < 2**63 for number in numbers)
