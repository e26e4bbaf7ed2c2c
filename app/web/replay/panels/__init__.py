"""Describes the rows of each panel of a replay, and the parts of lists that are too long."""
