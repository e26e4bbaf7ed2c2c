"""Renders clips of replays, as MP4, GIF or WebP, in a child process of its own."""
