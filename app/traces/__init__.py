"""Transactions and spans, one model."""
