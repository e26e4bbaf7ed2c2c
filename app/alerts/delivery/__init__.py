"""Sends the messages of the outbox, in the form that each target takes."""
