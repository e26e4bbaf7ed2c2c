"""The largest container of log records that is read."""

import pytest

from app.core.errors import OversizedInput
from app.core.limits import LIMITS
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items.log import LOG


def test_a_log_container_at_its_limit_is_read_and_a_larger_one_is_refused():
    """A container of log records may have its limit of bytes, and not one more."""
    LOG.check_size(EnvelopeItem("log", memoryview(bytes(LIMITS.log_container_bytes))))
    too_large = EnvelopeItem("log", memoryview(bytes(LIMITS.log_container_bytes + 1)))
    with pytest.raises(OversizedInput, match="are allowed"):
        LOG.check_size(too_large)
