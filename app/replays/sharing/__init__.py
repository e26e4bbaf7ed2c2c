"""Stores the share links of replays, with their terms and their views."""
