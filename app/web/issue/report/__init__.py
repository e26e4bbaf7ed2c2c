"""The report of an issue: Markdown, steps, and test flows."""
