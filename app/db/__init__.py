"""Postgres: the embedded server, connections and transactions, and what goes into columns."""
