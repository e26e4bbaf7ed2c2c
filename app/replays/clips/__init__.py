"""Stores the clips of replays: requests, states and files."""
