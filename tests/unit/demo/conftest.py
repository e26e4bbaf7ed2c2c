"""The demo, recorded once for all tests of this folder."""

import pytest

from app.core.ids import PublicKey
from app.demo import record
from app.demo.record import Delivery

SEED = 5
ENDED_MS = 1_795_480_000_000
APP_KEY = PublicKey("9d3f5c7e1b2a4866a0c4e2f8d6b19375")


@pytest.fixture(scope="session")
def deliveries() -> list[Delivery]:
    """Return all requests of one demo."""
    return record.record_demo(SEED, ENDED_MS, app_key=APP_KEY)
