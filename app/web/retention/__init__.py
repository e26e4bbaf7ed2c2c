"""Data and retention: what a project keeps, for how long, and what that would delete."""
