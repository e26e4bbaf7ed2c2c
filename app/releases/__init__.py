"""Releases of an app and how their sessions ended."""
