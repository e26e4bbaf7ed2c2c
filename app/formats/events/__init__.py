"""Errors and messages: events, exceptions, stacks, view hierarchies."""
