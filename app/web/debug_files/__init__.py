"""The debug files of a project: what is here, what is missing, uploads and deletions by hand."""
