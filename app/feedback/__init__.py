"""Feedback that users of the recorded apps wrote."""
