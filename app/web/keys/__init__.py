"""The keys of a project: what may send to it."""
