"""Keeps the list of the processes that run on one database, with the condition of each."""
