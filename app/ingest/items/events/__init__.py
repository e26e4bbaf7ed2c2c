"""The plain and the quick reader of error events, and their caches."""
