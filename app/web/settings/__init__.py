"""The settings of a project: name, members, limits."""
