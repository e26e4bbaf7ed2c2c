"""The report of a replay: Markdown, steps, and test flows."""
