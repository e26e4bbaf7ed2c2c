"""Deletion that really deletes: request, sweep, receipt."""
