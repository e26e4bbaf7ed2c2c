"""Sends what waits in the outbox, in the form that each target takes."""
