"""Replays in words: their facts, endings, posters and rows in lists."""
