"""Erasing: a person, a range of time, a project; progress and receipts."""
