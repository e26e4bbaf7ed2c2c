"""Transactions and spans."""
