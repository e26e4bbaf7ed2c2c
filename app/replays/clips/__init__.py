"""Clips of replays: which were asked for, how far they are, and where they lie."""
