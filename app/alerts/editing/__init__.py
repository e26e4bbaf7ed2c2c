"""Lets admins change targets and rules, test targets, and read the log of messages."""
