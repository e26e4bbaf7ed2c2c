"""Runs the embedded Postgres: its programs, its system user, its start and its end."""
