"""Closes replays that have ended, and then runs each registered step once."""
