"""Erasing on a person's behalf: what would go, the wish, its progress and its receipt."""
