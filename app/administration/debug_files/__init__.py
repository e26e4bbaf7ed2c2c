"""The debug files of a project: what is here, what is missing, and what people delete."""
