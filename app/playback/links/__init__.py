"""Finds what belongs to a replay in other domains, and places it on the clock of the replay."""
