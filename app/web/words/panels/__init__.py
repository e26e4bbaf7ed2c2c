"""Rows of the panels of a replay: activity, errors and feedback."""
