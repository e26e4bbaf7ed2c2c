"""Use cases of the pages about people and projects: one module for each use."""
