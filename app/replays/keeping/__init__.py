"""Stores pins and legal holds of replays, and the replays that wait for a keep rule."""
