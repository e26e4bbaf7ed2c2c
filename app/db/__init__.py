"""Postgres: the embedded server, the engine, transactions, and the text gate."""
