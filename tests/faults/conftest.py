"""Leaves out of `make test` what has only a long form here."""

from tests.support import programme_size

# Their short forms are in tests/processes.
collect_ignore = ["test_lost_hosts.py"] if programme_size.IS_CI else []
