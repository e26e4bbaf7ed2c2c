"""Draws small pictures of replays in the background: posters, and strips along timelines."""
