"""Use cases of the pages on which people look through issues, feedback and releases."""
