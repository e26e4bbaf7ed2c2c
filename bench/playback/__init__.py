"""Measures what somebody who watches a replay sees, and waits for."""
