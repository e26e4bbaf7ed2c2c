"""Finders: each looks for one kind of secret in a text."""
