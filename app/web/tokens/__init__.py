"""The API tokens of a project: what build servers upload with."""
