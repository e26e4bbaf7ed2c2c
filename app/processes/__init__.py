"""The processes that run on one database: which there are, and how each of them is."""
