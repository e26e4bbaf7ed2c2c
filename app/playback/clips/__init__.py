"""Clips of replays: files with a range of the video, rendered in the background."""
