"""Presents the videos of a replay as one stream that a player reads by byte ranges."""
