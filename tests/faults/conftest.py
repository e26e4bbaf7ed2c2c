"""Leaves out of `make test` what has only a long form here."""

from tests.support import programme_size

# Their short forms are in tests/processes.
_LONG = ["test_failover_under_load.py", "test_lost_hosts.py"]
collect_ignore = _LONG if programme_size.IS_CI else []
